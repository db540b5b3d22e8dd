/** What a terminal, a parser or the direction of a text would take as a command: control characters, and those that turn text around. */
const COMMANDS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff\ufffe\uffff]/gu

const NAMES: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': ' ' }

function visible(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16)
  return NAMES[character] ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`)
}

/** A text from outside in one line that does nothing to who shows it: `\x1b` for an escape. Halves of characters are replaced. */
export const printable = (text: string): string => text.toWellFormed().replaceAll(COMMANDS, visible)
