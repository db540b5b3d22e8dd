import type { Diagnostic } from './diagnostic.ts'
import { type Token, tokenize, type Word } from './lexer.ts'
import type { Source } from './source.ts'

/** `keyword argument…`, with the statements between its braces when it has a block. */
export interface Statement {
  readonly keyword: Word
  readonly args: readonly Word[]
  readonly block: readonly Statement[] | undefined
}

/** Deepest nesting; keepalived's own is 5 (virtual_server, real_server, HTTP_GET, url). */
const DEPTH_LIMIT = 16

/** Document : Statement* */
export function parse(source: Source): { statements: Statement[]; diagnostics: Diagnostic[] } {
  const { tokens, diagnostics } = tokenize(source)
  const parser = new Parser(tokens, diagnostics)
  const statements: Statement[] = []
  while (!parser.atEnd()) statements.push(...parser.statements(0))
  return { statements, diagnostics }
}

/** Reads a token list once, from front to back. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #diagnostics: Diagnostic[]
  #next = 0

  constructor(tokens: readonly Token[], diagnostics: Diagnostic[]) {
    this.#tokens = tokens
    this.#diagnostics = diagnostics
  }

  atEnd(): boolean {
    return this.#next >= this.#tokens.length
  }

  /** Statement* up to the brace that closes the block, which the caller takes. */
  statements(depth: number): Statement[] {
    const statements: Statement[] = []
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      switch (token.type) {
        case 'end-of-line':
          this.#next++
          break
        case 'open':
          this.#next++
          this.#report('unexpected-brace', token, 'expected a keyword, found "{"')
          this.statements(depth + 1)
          this.#take('close')
          break
        case 'close':
          if (depth > 0) return statements
          this.#next++
          this.#report('unexpected-brace', token, 'this "}" closes nothing')
          break
        case 'word':
          statements.push(this.#statement(token.word, depth))
          break
      }
    }
    return statements
  }

  /** Statement : Word+ ( "{" Statement* "}" )?   The brace may stand on the next line. */
  #statement(keyword: Word, depth: number): Statement {
    this.#next++
    const args: Word[] = []
    for (let token = this.#peek(); token?.type === 'word'; token = this.#peek()) {
      args.push(token.word)
      this.#next++
    }
    const afterLine = this.#next
    while (this.#peek()?.type === 'end-of-line') this.#next++
    if (this.#peek()?.type !== 'open') {
      this.#next = afterLine
      return { keyword, args, block: undefined }
    }
    this.#next++
    if (depth >= DEPTH_LIMIT) {
      this.#diagnostics.push({
        code: 'unexpected-brace',
        severity: 'error',
        at: keyword.at,
        message: `blocks are nested deeper than ${DEPTH_LIMIT}`,
      })
      this.#next = this.#tokens.length
      return { keyword, args, block: [] }
    }
    const block = this.statements(depth + 1)
    if (!this.#take('close')) {
      this.#diagnostics.push({
        code: 'missing-brace',
        severity: 'error',
        at: keyword.at,
        message: `the block of \`${keyword.text}\` has no "}"`,
      })
    }
    return { keyword, args, block }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #take(type: 'close'): boolean {
    if (this.#peek()?.type !== type) return false
    this.#next++
    return true
  }

  #report(code: 'unexpected-brace', token: Extract<Token, { at: unknown }>, message: string): void {
    this.#diagnostics.push({ code, severity: 'error', at: token.at, message })
  }
}
