import { HIDDEN } from '../secrecy.ts'
import { Secret } from '../schema/secret.ts'
import { invalid, type Syntax } from '../schema/syntax.ts'
import { integer } from '../schema/values.ts'

/** A key of `auth_hmac`. `value`: `hex:…`, `file:…`, or the text that is the key. */
export interface HmacKeySettings {
  readonly id: number
  readonly value: Secret
}

const MIN_BYTES = 32
const MAX_BYTES = 64

const number = integer(1, 255)

export const hmacKey: Syntax<HmacKeySettings> = {
  text: `<1-255> hex:<hex>|file:<path>|<text>`,
  parse(words) {
    const id = number.parse(words)
    if (id === invalid) return invalid
    const word = words.need('a key')
    if (word === undefined) return invalid
    const path = keyFile(word.text)
    if (path === undefined && hmacKeyHex(word.text) === undefined) {
      words.report('bad-value', word.at, `expected ${HMAC_KEY_FORM}`)
      return invalid
    }
    if (path !== undefined && !path.startsWith('/')) {
      words.report('bad-value', word.at, 'expected an absolute path behind `file:`')
      return invalid
    }
    return { id, value: new Secret(word.text) }
  },
  print: ({ id }) => `${id} ${HIDDEN}`,
}

/** What a key is, in words. */
export const HMAC_KEY_FORM = `a key of ${MIN_BYTES} to ${MAX_BYTES} bytes: hexadecimal digits behind \`hex:\`, or a text`

/** The path behind `file:`. */
export const keyFile = (text: string): string | undefined => /^file:(.*)$/.exec(text)?.[1]

/** The bytes of a key, as hexadecimal digits; undefined if it is none. */
export function hmacKeyHex(text: string): string | undefined {
  const digits = /^hex:(.*)$/.exec(text)?.[1]
  if (digits !== undefined && !/^([\dA-Fa-f]{2})*$/.test(digits)) return undefined
  const bytes = digits === undefined ? Buffer.from(text) : Buffer.from(digits, 'hex')
  return bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES ? bytes.toString('hex') : undefined
}
