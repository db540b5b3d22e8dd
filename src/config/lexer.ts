import type { Span } from './source.ts'
import type { Text } from './text.ts'

/** One word of a statement, without the quotes that were around it. */
export class Word {
  readonly text: string
  readonly #line: Text
  readonly #start: number
  readonly #end: number

  constructor(text: string, line: Text, start: number, end: number) {
    this.text = text
    this.#line = line
    this.#start = start
    this.#end = end
  }

  /** Where it was written; worked out when somebody asks. */
  get at(): Span {
    return this.#line.span(this.#start, this.#end)
  }
}

/** A line between braces, or a brace. */
export type Piece =
  | { readonly type: 'statement'; readonly line: Text }
  | { readonly type: 'open' | 'close'; readonly at: Span }

/** Splits a line at the braces that stand outside double quotes. */
export function pieces(line: Text): Piece[] {
  const { text } = line
  if (!/[{}]/.test(text)) return [{ type: 'statement', line }]
  const found: Piece[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index <= text.length; index++) {
    const char = text.charAt(index)
    if (char === '"') quoted = !quoted
    const brace = !quoted && (char === '{' || char === '}')
    if (!brace && index < text.length) continue
    const statement = line.slice(start, index).trim()
    if (statement.length > 0) found.push({ type: 'statement', line: statement })
    if (brace) found.push({ type: char === '{' ? 'open' : 'close', at: line.span(index, index + 1) })
    start = index + 1
  }
  return found
}

/** The words of keepalived's basic tokenizer: blanks separate, double quotes join, a quote within a word ends it. */
export function words(line: Text): Word[] {
  const found: Word[] = []
  for (const match of line.text.matchAll(/"([^"]*)"?|[^\s"]+/g)) {
    const [whole, quoted] = match
    found.push(new Word(quoted ?? whole, line, match.index, match.index + whole.length))
  }
  return found
}

/**
 * The words of the second tokenizer, which scripts and paths go through: single and double quotes join, also within a
 * word. With `escapes`, a backslash gives control characters, `\NNN` and `\xXX` bytes, or the next character itself.
 */
export function quotedWords(line: Text, escapes: boolean): Word[] {
  return cutQuoted(line.text, escapes).map(({ text, start, end }) => new Word(text, line, start, end))
}

export function cutQuoted(text: string, escapes: boolean): { text: string; start: number; end: number }[] {
  const found: { text: string; start: number; end: number }[] = []
  let index = 0
  while (index < text.length) {
    if (/\s/.test(text.charAt(index))) {
      index++
      continue
    }
    const start = index
    let word = ''
    let quote = ''
    while (index < text.length && (quote !== '' || !/\s/.test(text.charAt(index)))) {
      const char = text.charAt(index)
      if (escapes && char === '\\' && index + 1 < text.length) {
        const escape = readEscape(text, index + 1)
        word += escape.value
        index = escape.end
      } else {
        if (quote === '' && (char === '"' || char === "'")) quote = char
        else if (char === quote) quote = ''
        else word += char
        index++
      }
    }
    found.push({ text: word, start, end: index })
  }
  return found
}

const CONTROLS: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  E: '\u001B',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

function readEscape(text: string, start: number): { value: string; end: number } {
  const rest = text.slice(start, start + 3)
  const octal = /^[0-7]{1,3}/.exec(rest)
  if (octal !== null)
    return { value: String.fromCharCode(Number.parseInt(octal[0], 8) & 255), end: start + octal[0].length }
  const hex = /^x([\dA-Fa-f]{1,2})/.exec(rest)
  if (hex !== null) return { value: String.fromCharCode(Number.parseInt(hex[1] ?? '', 16)), end: start + hex[0].length }
  const control = /^c([@-_a-z])/.exec(rest)
  if (control !== null) {
    return { value: String.fromCharCode((control[1] ?? '').toUpperCase().charCodeAt(0) & 31), end: start + 2 }
  }
  const char = text.charAt(start)
  return { value: CONTROLS[char] ?? char, end: start + 1 }
}
