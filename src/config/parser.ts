import type { Report } from './diagnostic.ts'
import { type Piece, pieces, Word, words } from './lexer.ts'
import type { Span } from './source.ts'
import type { Text } from './text.ts'

/** `keyword argument…`, with the statements between its braces when it has a block. */
export interface Statement {
  readonly keyword: Word
  readonly args: readonly Word[]
  /** The whole line up to the brace, for keywords that cut their words in another way. */
  readonly line: Text
  readonly block: Block | undefined
}

export interface Block {
  /** Its opening brace. */
  readonly at: Span
  readonly statements: readonly Statement[]
}

/** Deepest nesting; keepalived's own is 5 (virtual_server, real_server, HTTP_GET, url). */
const DEPTH_LIMIT = 16

/** Document : Statement* */
export function parse(lines: readonly Text[], report: Report): Statement[] {
  return new Parser(lines, report).statements(0)
}

/** Reads the pieces of all lines once, from front to back. */
class Parser {
  readonly #pieces: readonly Piece[]
  readonly #report: Report
  #next = 0
  #gaveUp = false

  constructor(lines: readonly Text[], report: Report) {
    this.#pieces = lines.flatMap(pieces)
    this.#report = report
  }

  /** Statement* up to the brace that closes the block, which the caller takes. */
  statements(depth: number): Statement[] {
    const statements: Statement[] = []
    for (let piece = this.#peek(); piece !== undefined; piece = this.#peek()) {
      switch (piece.type) {
        case 'open':
          this.#next++
          this.#report('unexpected-brace', piece.at, 'expected a keyword, found "{"')
          if (this.#tooDeep(depth, piece.at)) return statements
          this.statements(depth + 1)
          this.#takeClose()
          break
        case 'close':
          if (depth > 0) return statements
          this.#next++
          this.#report('unexpected-brace', piece.at, 'this "}" closes nothing')
          break
        case 'statement':
          this.#next++
          statements.push(this.#statement(piece.line, depth))
          break
      }
    }
    return statements
  }

  /** Statement : Word+ ( "{" Statement* "}" )?   The brace may stand on a later line. */
  #statement(line: Text, depth: number): Statement {
    const [keyword = new Word('', line, 0, line.length), ...args] = words(line)
    const open = this.#peek()
    if (open?.type !== 'open') return { keyword, args, line, block: undefined }
    this.#next++
    if (this.#tooDeep(depth, open.at)) return { keyword, args, line, block: { at: open.at, statements: [] } }
    const statements = this.statements(depth + 1)
    if (!this.#takeClose() && !this.#gaveUp) {
      this.#report('missing-brace', keyword.at, `the block of \`${keyword.text}\` has no "}"`)
    }
    return { keyword, args, line, block: { at: open.at, statements } }
  }

  /** Reports nesting beyond the limit, and skips what is left. */
  #tooDeep(depth: number, at: Span): boolean {
    if (depth < DEPTH_LIMIT) return false
    this.#report('unexpected-brace', at, `blocks are nested deeper than ${DEPTH_LIMIT}`)
    this.#next = this.#pieces.length
    this.#gaveUp = true
    return true
  }

  #peek(): Piece | undefined {
    return this.#pieces[this.#next]
  }

  #takeClose(): boolean {
    if (this.#peek()?.type !== 'close') return false
    this.#next++
    return true
  }
}
