import type { Report } from '../diagnostic.ts'
import { secretStartOf } from '../secrecy.ts'
import { Text } from '../text.ts'

/**
 * A line without its comment and outer blanks. `!` or `#` outside double quotes begins a comment; `\#` and `\!` are the
 * characters themselves. A quote without an end is reported, and closed at the end of its line.
 */
export function withoutComment(line: Text, report: Report): Text {
  const { text } = line
  if (!/["#!]/.test(text)) return line.trim()
  const parts: Text[] = []
  let partStart = 0
  let quoteStart = -1
  let end = 0
  for (; end < text.length; end++) {
    const char = text.charAt(end)
    const next = text.charAt(end + 1)
    if (char === '"') {
      quoteStart = quoteStart === -1 ? end : -1
    } else if (quoteStart === -1 && char === '\\' && (next === '#' || next === '!')) {
      parts.push(line.slice(partStart, end))
      partStart = end + 1
      end++
    } else if (quoteStart === -1 && (char === '#' || char === '!')) {
      reportCutValue(line, end, report)
      break
    }
  }
  if (quoteStart !== -1) report('unterminated-quote', line.span(quoteStart), 'this quote is not closed on its line')
  parts.push(line.slice(partStart, end))
  return Text.join(parts).trim()
}

/** A comment that begins within a word: keepalived cuts the word there and says nothing. */
function reportCutValue(line: Text, comment: number, report: Report): void {
  const { text } = line
  if (!/[^\s{}"]/.test(text.charAt(comment - 1))) return
  const secret = secretStartOf(text.slice(0, comment))
  const isSecret = secret !== undefined && secret < comment
  if (!isSecret && !/\S/.test(text.charAt(comment + 1))) return
  const what = isSecret ? 'the password' : 'this word'
  // The place of a comment sign within a password is not told.
  const at = isSecret ? line.span(secret, comment) : line.span(comment, comment + 1)
  report(
    'cut-value',
    at,
    `a comment begins within ${what}, which ends there`,
    'put it into double quotes, if it belongs to it',
  )
}
