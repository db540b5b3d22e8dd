import { one } from './syntax.ts'

const CONTROLS: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }
/** What is printed as it is: nothing that a configuration file reads as something else. */
const PLAIN = /[\w .,:;/()<>=+*-]/

/** Text in one word, `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN` for what cannot be written; its bytes in hexadecimal. */
export const escapedText = one<string>({
  text: '<text with \\r \\n \\t \\0 \\\\ \\xNN>',
  expected: 'text with no other escapes than \\r, \\n, \\t, \\0, \\\\ and \\xNN',
  read(text) {
    const parts: Buffer[] = []
    for (const [whole] of text.matchAll(/\\x[\dA-Fa-f]{2}|\\.?|[^\\]+/gs)) {
      if (whole.length === 4 && whole.startsWith('\\x')) parts.push(Buffer.from(whole.slice(2), 'hex'))
      else if (!whole.startsWith('\\')) parts.push(Buffer.from(whole))
      else {
        const control = CONTROLS[whole.slice(1)]
        if (control === undefined) return undefined
        parts.push(Buffer.from(control))
      }
    }
    return text === '' ? undefined : Buffer.concat(parts).toString('hex').toUpperCase()
  },
  print(hex) {
    const chars = Buffer.from(hex, 'hex').toString('latin1').split('')
    const shown = chars.map((char) => {
      const control = Object.entries(CONTROLS).find(([, value]) => value === char)
      if (control !== undefined) return `\\${control[0]}`
      return PLAIN.test(char) ? char : `\\x${Buffer.from(char, 'latin1').toString('hex').toUpperCase()}`
    })
    return `"${shown.join('')}"`
  },
})
