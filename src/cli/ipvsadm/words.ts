import { COMMANDS, type CommandName, OPTIONS, type Word } from './grammar.ts'

/** A command line that cannot be understood: what ipvsadm prints, and its exit status. */
export class UsageError extends Error {
  readonly status: number

  constructor(message: string, status = 2) {
    super(message)
    this.name = 'UsageError'
    this.status = status
  }
}

/** What ipvsadm's option library gives when it does not know a word. */
const STATUS_UNKNOWN = 255

/** One option as it stands on the command line. */
export interface Given {
  readonly word: Word
  readonly value: string | undefined
}

export interface SplitLine {
  readonly command: CommandName
  /** Of the command itself: `master` or `backup`. */
  readonly commandValue: string | undefined
  readonly options: readonly Given[]
  /** What stands there without a dash. */
  readonly rest: readonly string[]
}

/** Takes a command line apart as popt does: clustered letters, values attached or next, `--name=value`. Throws UsageError. */
export function splitLine(args: readonly string[], program: string): SplitLine {
  const given: Given[] = []
  const rest: string[] = []
  const line = [...args]
  for (let arg = line.shift(); arg !== undefined; arg = line.shift()) {
    if (arg === '--') {
      rest.push(...line)
      break
    }
    if (arg.startsWith('--')) given.push(longOption(arg, line, given.length === 0, program))
    else if (arg.startsWith('-') && arg.length > 1) shortOptions(arg, line, given, program)
    else rest.push(arg)
  }
  const [first, ...options] = given
  if (first === undefined || !COMMANDS.includes(first.word)) throw tryHelp(program)
  const second = options.find(({ word }) => COMMANDS.includes(word))
  if (second !== undefined) {
    throw new UsageError(
      `invalid option \`${second.word.short === undefined ? `--${second.word.long}` : `-${second.word.short}`}'`,
    )
  }
  // The word is one of COMMANDS, whose meanings are names of commands.
  return { command: first.word.is as CommandName, commandValue: first.value, options, rest }
}

function tryHelp(program: string): UsageError {
  return new UsageError(`Try \`${program} -h' or '${program} --help' for more information.`, STATUS_UNKNOWN)
}

function find(matches: (word: Word) => boolean, text: string, first: boolean, program: string): Word {
  const word = [...COMMANDS, ...OPTIONS].find(matches)
  if (word !== undefined) return word
  throw first ? tryHelp(program) : new UsageError(`${text}: unknown option`, STATUS_UNKNOWN)
}

function longOption(arg: string, line: string[], first: boolean, program: string): Given {
  const equals = arg.indexOf('=')
  const name = equals === -1 ? arg : arg.slice(0, equals)
  const word = find(({ long }) => `--${long}` === name, name, first, program)
  return { word, value: equals === -1 ? nextValue(word, name, line) : arg.slice(equals + 1) }
}

function shortOptions(arg: string, line: string[], given: Given[], program: string): void {
  for (let i = 1; i < arg.length; i++) {
    const name = `-${arg[i]}`
    const word = find(({ short }) => short === arg[i], name, given.length === 0, program)
    const attached = arg.slice(i + 1)
    if (word.value !== 'none' && attached !== '') {
      given.push({ word, value: attached.startsWith('=') ? attached.slice(1) : attached })
      return
    }
    given.push({ word, value: nextValue(word, name, line) })
  }
}

function nextValue(word: Word, name: string, line: string[]): string | undefined {
  if (word.value === 'none') return undefined
  const next = line[0]
  if (word.value === 'optional') return next === undefined || next.startsWith('-') ? undefined : line.shift()
  if (next === undefined) throw new UsageError(`${name}: missing argument`, STATUS_UNKNOWN)
  return line.shift()
}
