/** What a tracked file holds, as keepalived reads it with strtol(3). */
export type FileNumber =
  | { readonly type: 'number'; readonly value: number }
  /** No digits: 0. */
  | { readonly type: 'none' }
  /** Changes nothing. */
  | { readonly type: 'out-of-range'; readonly text: string }

/** So much of a file is read. */
export const NUMBER_BYTES = 127

const LOWEST = -(2 ** 31)
const HIGHEST = 2 ** 31
const NUMBER = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/

/**
 * The number that a text begins with, behind white space: decimal, octal behind a `0`, hexadecimal behind `0x`. What follows it does
 * not count.
 */
export function fileNumber(text: string): FileNumber {
  const [, sign, digits] = NUMBER.exec(text) ?? []
  if (digits === undefined) return { type: 'none' }
  const base = /^0[xX]/.test(digits) ? 16 : digits.startsWith('0') ? 8 : 10
  const size = Number.parseInt(digits, base)
  const value = sign === '-' && size > 0 ? -size : size
  if (value < LOWEST || value > HIGHEST) return { type: 'out-of-range', text: `${sign}${digits}` }
  return { type: 'number', value }
}
