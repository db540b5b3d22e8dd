import type { Diagnostic } from './diagnostic.ts'
import type { Source, Span } from './source.ts'

/** A word as keepalived's basic tokenizer sees it: blanks separate, double quotes join, `!` and `#` begin a comment. */
export interface Word {
  readonly text: string
  readonly at: Span
}

export type Token =
  | { readonly type: 'word'; readonly word: Word }
  | { readonly type: 'open' | 'close' | 'end-of-line'; readonly at: Span }

const isBlank = (char: string) => char === ' ' || char === '\t' || char === '\r'

/** Cuts a source into tokens. An unterminated quote is reported and ends with its line. */
export function tokenize(source: Source): { tokens: Token[]; diagnostics: Diagnostic[] } {
  const { text } = source
  const tokens: Token[] = []
  const diagnostics: Diagnostic[] = []
  const span = (start: number, end: number): Span => ({ source, start, end })
  let offset = 0
  while (offset < text.length) {
    const char = text.charAt(offset)
    if (char === '\n') {
      tokens.push({ type: 'end-of-line', at: span(offset, offset + 1) })
      offset++
    } else if (isBlank(char)) {
      offset++
    } else if (char === '!' || char === '#') {
      const end = text.indexOf('\n', offset)
      offset = end === -1 ? text.length : end
    } else if (char === '{' || char === '}') {
      tokens.push({ type: char === '{' ? 'open' : 'close', at: span(offset, offset + 1) })
      offset++
    } else if (char === '"') {
      const lineEnd = text.indexOf('\n', offset)
      const limit = lineEnd === -1 ? text.length : lineEnd
      const close = text.indexOf('"', offset + 1)
      const terminated = close !== -1 && close < limit
      const end = terminated ? close + 1 : limit
      if (!terminated) {
        diagnostics.push({
          code: 'unterminated-quote',
          severity: 'error',
          at: span(offset, end),
          message: 'this quote has no end on its line',
        })
      }
      const word = text.slice(offset + 1, terminated ? close : limit)
      tokens.push({ type: 'word', word: { text: word, at: span(offset, end) } })
      offset = end
    } else {
      const { word, end } = bareWord(text, offset)
      tokens.push({ type: 'word', word: { text: word, at: span(offset, end) } })
      offset = end
    }
  }
  tokens.push({ type: 'end-of-line', at: span(text.length, text.length) })
  return { tokens, diagnostics }
}

/** Up to a blank, a quote, a brace or a comment; `\#` and `\!` stand for the characters themselves. */
function bareWord(text: string, start: number): { word: string; end: number } {
  let word = ''
  let end = start
  while (end < text.length) {
    const char = text.charAt(end)
    const next = text.charAt(end + 1)
    if (char === '\\' && (next === '#' || next === '!')) {
      word += next
      end += 2
      continue
    }
    if (isBlank(char) || '\n"{}!#'.includes(char)) break
    word += char
    end++
  }
  return { word, end }
}
