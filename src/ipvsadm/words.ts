import { COMMANDS, type CommandName, type Option, OPTIONS } from './grammar.ts'

/** A command line that cannot be understood: what ipvsadm prints, and its exit status. */
export class UsageError extends Error {
  readonly status: number
  /** Of the arguments, the one that is wrong, from 0; undefined when it is no single one, or when something is missing. */
  readonly argument: number | undefined

  constructor(
    message: string,
    { status = 2, argument }: { readonly status?: number; readonly argument?: number } = {},
  ) {
    super(message)
    this.name = 'UsageError'
    this.status = status
    this.argument = argument
  }

  /** The same mistake, in this argument unless it is known to be in another one. */
  in(argument: number | undefined): UsageError {
    const known = this.argument ?? argument
    return new UsageError(this.message, { status: this.status, ...(known === undefined ? {} : { argument: known }) })
  }
}

/** The line does not begin with a command. */
export class NoCommandError extends UsageError {}

/** What ipvsadm's option library gives when it does not know a word. */
const STATUS_UNKNOWN = 255

/** One option as it stands on the command line. */
export interface Given {
  readonly option: Option
  readonly value: string | undefined
  /** Of the arguments, from 0, the ones that the option and its value stand in; the same one twice without a value of its own. */
  readonly at: number
  readonly valueAt: number
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
  if (first === undefined || !COMMANDS.includes(first.option)) {
    throw new NoCommandError(`Try \`${program} -h' or '${program} --help' for more information.`, {
      status: STATUS_UNKNOWN,
    })
  }
  // It is one of COMMANDS, whose meanings are names of commands.
  return { command: first.option.is as CommandName, commandValue: first.value, options: others(all, args), rest }
}

/** Undefined as well when the library does not know the word. */
function firstOption(all: Iterator<Given>): Given | undefined {
  try {
    const { value, done } = all.next()
    return done === true ? undefined : value
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}

function* others(all: Iterable<Given>, args: readonly string[]): Generator<Given> {
  for (const given of all) {
    if (COMMANDS.includes(given.option)) {
      throw new UsageError(`invalid option \`${args[given.at]}'`, { argument: given.at })
    }
    yield given
  }
}

/** Arguments, of which each is taken once. */
class Arguments {
  readonly #args: readonly string[]
  #next = 0

  constructor(args: readonly string[]) {
    this.#args = args
  }

  peek(): string | undefined {
    return this.#args[this.#next]
  }

  take(): string | undefined {
    return this.#args[this.#next++]
  }

  /** The number of the one that was taken last. */
  get at(): number {
    return this.#next - 1
  }

  rest(): readonly string[] {
    return this.#args.slice(this.#next)
  }
}

function* optionsIn(args: readonly string[], rest: string[]): Generator<Given> {
  const line = new Arguments(args)
  for (let argument = line.take(); argument !== undefined; argument = line.take()) {
    if (argument === '--') {
      rest.push(...line.rest())
      return
    }
    if (argument.startsWith('--')) yield longOption(argument, line)
    else if (argument.startsWith('-') && argument.length > 1) yield* shortOptions(argument, line)
    else rest.push(argument)
  }
}

function unknown(argument: string, what: string, { at }: Arguments): UsageError {
  return new UsageError(`${argument}: ${what}`, { status: STATUS_UNKNOWN, argument: at })
}

function find(matches: (option: Option) => boolean, argument: string, line: Arguments): Option {
  const option = [...COMMANDS, ...OPTIONS].find(matches)
  if (option === undefined) throw unknown(argument, 'unknown option', line)
  return option
}

function longOption(argument: string, line: Arguments): Given {
  const equals = argument.indexOf('=')
  const name = equals === -1 ? argument : argument.slice(0, equals)
  const option = find(({ long }) => `--${long}` === name, argument, line)
  if (equals === -1) return withNext(option, argument, line)
  if (option.value === 'none') throw unknown(argument, 'option does not take an argument', line)
  return { option, value: argument.slice(equals + 1), at: line.at, valueAt: line.at }
}

function* shortOptions(argument: string, line: Arguments): Generator<Given> {
  for (let i = 1; i < argument.length; i++) {
    const option = find(({ short }) => short === argument[i], argument, line)
    const attached = argument.slice(i + 1)
    if (option.value !== 'none' && attached !== '') {
      const value = attached.startsWith('=') ? attached.slice(1) : attached
      yield { option, value, at: line.at, valueAt: line.at }
      return
    }
    yield withNext(option, argument, line)
  }
}

/** An option whose value, if it takes one, is the next argument. */
function withNext(option: Option, argument: string, line: Arguments): Given {
  const { at } = line
  const next = line.peek()
  if (option.value === 'required' && next === undefined) throw unknown(argument, 'missing argument', line)
  const takes = option.value === 'required' || (option.value === 'optional' && next?.startsWith('-') === false)
  return { option, value: takes ? line.take() : undefined, at, valueAt: line.at }
}
