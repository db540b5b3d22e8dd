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
  /** From left to right; whoever takes the next one is told of a word that is wrong there by a UsageError, and not before. */
  readonly options: Iterable<Given>
  /** What stands there without a dash; complete when all options have been taken. */
  readonly rest: readonly string[]
}

/**
 * Takes a command line apart as popt does: clustered letters, values attached or next, `--name=value`, and words are read only
 * when it is their turn, so that of several mistakes the first one is told. Throws UsageError.
 */
export function splitLine(args: readonly string[], program: string): SplitLine {
  const rest: string[] = []
  const all = optionsIn(args, rest)
  const first = firstOption(all)
  if (first === undefined || !COMMANDS.includes(first.word)) {
    throw new UsageError(`Try \`${program} -h' or '${program} --help' for more information.`, STATUS_UNKNOWN)
  }
  // The word is one of COMMANDS, whose meanings are names of commands.
  return { command: first.word.is as CommandName, commandValue: first.value, options: others(all), rest }
}

/** Undefined as well when the library does not know the word. */
function firstOption(all: Iterator<Found>): Found | undefined {
  try {
    const { value, done } = all.next()
    return done === true ? undefined : value
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}

function* others(all: Iterable<Found>): Generator<Given> {
  for (const { argument, ...given } of all) {
    if (COMMANDS.includes(given.word)) throw new UsageError(`invalid option \`${argument}'`)
    yield given
  }
}

/** An option, and the argument that it stands in. */
interface Found extends Given {
  readonly argument: string
}

function* optionsIn(args: readonly string[], rest: string[]): Generator<Found> {
  const line = [...args]
  for (let argument = line.shift(); argument !== undefined; argument = line.shift()) {
    if (argument === '--') {
      rest.push(...line)
      return
    }
    if (argument.startsWith('--')) yield longOption(argument, line)
    else if (argument.startsWith('-') && argument.length > 1) yield* shortOptions(argument, line)
    else rest.push(argument)
  }
}

function find(matches: (word: Word) => boolean, argument: string): Word {
  const word = [...COMMANDS, ...OPTIONS].find(matches)
  if (word === undefined) throw new UsageError(`${argument}: unknown option`, STATUS_UNKNOWN)
  return word
}

function longOption(argument: string, line: string[]): Found {
  const equals = argument.indexOf('=')
  const name = equals === -1 ? argument : argument.slice(0, equals)
  const word = find(({ long }) => `--${long}` === name, argument)
  if (equals === -1) return { word, argument, value: nextValue(word, argument, line) }
  if (word.value === 'none') throw new UsageError(`${argument}: option does not take an argument`, STATUS_UNKNOWN)
  return { word, argument, value: argument.slice(equals + 1) }
}

function* shortOptions(argument: string, line: string[]): Generator<Found> {
  for (let i = 1; i < argument.length; i++) {
    const word = find(({ short }) => short === argument[i], argument)
    const attached = argument.slice(i + 1)
    if (word.value !== 'none' && attached !== '') {
      yield { word, argument, value: attached.startsWith('=') ? attached.slice(1) : attached }
      return
    }
    yield { word, argument, value: nextValue(word, argument, line) }
  }
}

function nextValue(word: Word, argument: string, line: string[]): string | undefined {
  if (word.value === 'none') return undefined
  const next = line[0]
  if (word.value === 'optional') return next === undefined || next.startsWith('-') ? undefined : line.shift()
  if (next === undefined) throw new UsageError(`${argument}: missing argument`, STATUS_UNKNOWN)
  return line.shift()
}
