import { cutQuoted } from '../lexer.ts'
import { invalid, printWord, type Syntax } from './syntax.ts'

/** A script with its arguments, and who runs it. It is executed, not given to a shell. */
export interface Script {
  readonly command: readonly string[]
  readonly user: string | undefined
  readonly group: string | undefined
}

/** The command is cut twice: once to find where it ends, and with escapes into its arguments. */
export const script: Syntax<Script> = {
  text: '<script> [<user> [[:]<group>]]',
  parse(words) {
    words.requote(false)
    const command = words.need('<script>')
    if (command === undefined) return invalid
    const user = words.take()
    const group = words.take()
    const argv = cutQuoted(command.text, true).map(({ text }) => text)
    if (argv.length === 0) return words.bad(command, 'a script')
    const [userName, joined] = user === undefined ? [] : user.text.split(':')
    return { command: argv, user: userName, group: joined ?? group?.text.replace(/^:/, '') }
  },
  print: ({ command, user, group }) =>
    [`"${command.map(printArgument).join(' ')}"`, user, group].filter((part) => part !== undefined).join(' '),
}

/** A path, which may hold blanks. */
export const path: Syntax<string> = {
  text: '<path>',
  parse(words) {
    words.requote(true)
    return words.need('<path>')?.text ?? invalid
  },
  print: (value) => (/[\s"'\\#!{}]/.test(value) ? `"${escapeAll(value)}"` : printWord(value)),
}

/** An argument of a script within the double quotes of its statement. */
function printArgument(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument
  return /^[^'"\\\p{Cc}]+$/u.test(argument) ? `'${argument}'` : escapeAll(argument) || "''"
}

/** Every character that a tokenizer might take for its own, as `\xXX`. */
function escapeAll(text: string): string {
  return text.replace(/[\s"'\\\p{Cc}]/gu, (char) => {
    const code = char.charCodeAt(0)
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : char
  })
}

/** `user [group]`, `user:group` or `user :group`. */
export const user: Syntax<{ readonly user: string; readonly group: string | undefined }> = {
  text: '<user> [[:]<group>]',
  parse(words) {
    const first = words.need('<user>')
    if (first === undefined) return invalid
    const [name = '', joined] = first.text.split(':')
    return { user: name, group: joined ?? words.take()?.text.replace(/^:/, '') }
  },
  print: ({ user, group }) => (group === undefined ? user : `${user} ${group}`),
}
