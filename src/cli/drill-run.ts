import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Drill } from '../drill/drill.ts'
import type { DirectorKind, DirectorName, Recording } from '../drill/recording.ts'
import { loadPair, lackOf, ownPair, type Pair, PairError } from '../lab/pair.ts'
import { rehearse } from '../lab/rehearse.ts'
import { serveAgent } from '../lab/serve-agent.ts'
import { seconds } from '../time.ts'
import { drillsOf } from './drill.ts'
import { runOnHosts } from './drill-hosts.ts'
import { EXIT_REFUSED, type LeftOut, type ReportOptions, RunConsole, type Watching } from './run-console.ts'

const EXIT_INTERRUPTED = 130

export interface RunOptions extends ReportOptions {
  readonly pair?: readonly string[]
  readonly repeat: number
  readonly seed: number
  readonly against?: DirectorKind
  readonly directors?: Readonly<Record<DirectorName, DirectorKind>>
  readonly limit?: number
  readonly tanistd?: string
  readonly hosts?: string
  readonly really?: true
}

type Kinds = Readonly<Record<DirectorName, DirectorKind>>
const alike = (kind: DirectorKind): Kinds => ({ director1: kind, director2: kind })

/** Adds `run` to `tanist drill`, and the agent by which it reaches other machines. */
export function addRunCommand(drill: Command): void {
  drill
    .command('agent', { hidden: true })
    .description(
      'do what a drill asks for on this machine, by standard input and output, and undo all of it at their end',
    )
    .action(() => {
      // That nobody reads any more is no reason to end before all is undone.
      for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
      serveAgent()
    })
  drill
    .command('run')
    .argument('<drills...>', 'files, folders, or numbers of the drill book')
    .description(
      'run drills in a lab of network namespaces on this machine, of which nothing itself is touched; with --hosts on a real pair',
    )
    .addOption(
      new Option('--pair <files...>', 'the configuration files of two directors, in place of the pair of each drill'),
    )
    .addOption(new Option('--repeat <times>', 'each drill').argParser(wholeOf).default(1))
    .addOption(new Option('--seed <seed>', 'of what chance decides').argParser(wholeOf).default(1))
    .addOption(
      new Option('--against <program>', 'run each drill with this program, too, where it can').choices(['keepalived']),
    )
    .addOption(
      new Option('--directors <programs>', 'which program each director is: keepalived,tanist')
        .argParser(kindsOf)
        .conflicts('against'),
    )
    .option('--json <file>', 'write each run as a line of JSON')
    .option('--junit <file>', 'write JUnit XML')
    .option('--html <file>', 'write a page with plots')
    .option('--markdown <file>', 'write the table as Markdown')
    .option('--verbose', 'show log lines, too')
    .addOption(new Option('--limit <seconds>', 'for one run, in place of two minutes').argParser(wholeOf))
    .addOption(new Option('--tanistd <program>', 'rehearse another tanistd than that of this installation'))
    .addOption(
      new Option(
        '--hosts <file>',
        'a real pair, named in this file, in place of a lab; says only what would be done, and what undoes it',
      ).conflicts(['pair', 'against', 'directors', 'tanistd']),
    )
    .option('--really', 'with --hosts: do it')
    .action(async (names: readonly string[], options: RunOptions) => {
      process.exitCode = await runDrills(names, options)
    })
}

function wholeOf(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('a whole number from 1')
}

function kindsOf(text: string): Kinds {
  const [director1, director2, ...more] = text.split(',')
  const isKind = (kind: string | undefined): kind is DirectorKind => kind === 'tanist' || kind === 'keepalived'
  if (isKind(director1) && isKind(director2) && more.length === 0) return { director1, director2 }
  throw new InvalidArgumentError('two of tanist and keepalived, with a comma between')
}

/** Runs what is named. Returns the exit status. */
async function runDrills(names: readonly string[], options: RunOptions): Promise<number> {
  const drills = drillsOf(names)
  if (drills === undefined) return EXIT_REFUSED
  const interrupt = new AbortController()
  const stop = () => {
    if (interrupt.signal.aborted) return
    process.stderr.write('\ninterrupted: what was done is undone\n')
    interrupt.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  const console = new RunConsole(options)
  const { hosts, really = false } = options
  const status =
    hosts === undefined
      ? await runInLabs(drills, options, console, interrupt.signal)
      : await runOnHosts(drills, { ...options, hosts, really }, console, interrupt.signal)
  if (status !== undefined) return status
  console.conclude(['tanist drill run', ...process.argv.slice(4)].join(' '))
  return interrupt.signal.aborted ? EXIT_INTERRUPTED : console.exitStatus
}

/** Returns the exit status when nothing was begun. */
async function runInLabs(
  drills: readonly Drill[],
  options: RunOptions,
  console: RunConsole,
  interrupt: AbortSignal,
): Promise<number | undefined> {
  if (options.really === true) {
    process.stderr.write('tanist: --really is for a real pair: name it with --hosts\n')
    return EXIT_REFUSED
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('tanist: a lab of network namespaces needs root\n')
    return EXIT_REFUSED
  }
  const pair = await pairOf(options)
  if (pair === 'wrong') return EXIT_REFUSED
  for (const drill of drills) {
    for (const kinds of kindsFor(drill, options, console)) {
      for (let run = 0; run < options.repeat && !interrupt.aborted; run++) {
        const play = (watching: Watching) => playInLab(drill, { ...options, kinds, pair, run, interrupt }, watching)
        await console.runOne(drill, play)
      }
    }
  }
  return undefined
}

type Played = Omit<RunOptions, 'pair'> & {
  readonly kinds: Kinds
  readonly pair: Pair | undefined
  /** Counts from 0. */
  readonly run: number
  readonly interrupt: AbortSignal
}

async function playInLab(
  drill: Drill,
  { kinds, pair: another, run, interrupt, seed, limit, tanistd }: Played,
  watching: Watching,
): Promise<Recording | LeftOut> {
  const pair = another ?? (drill.pair === undefined ? undefined : ownPair(drill, drill.pair))
  if (pair === undefined) return { leftOut: 'it has no pair of its own: name one with --pair' }
  const lack = lackOf(drill, pair, another === undefined)
  if (lack !== undefined) return { leftOut: lack }
  return await rehearse(drill, {
    pair,
    kinds,
    seed: seed + run,
    limit: limit === undefined ? undefined : seconds(limit),
    program: tanistd,
    interrupt,
    ...watching,
  })
}

/** Undefined: each drill has its own. */
async function pairOf({ pair }: RunOptions): Promise<Pair | undefined | 'wrong'> {
  if (pair === undefined) return undefined
  const [first, second, third] = pair
  if (first === undefined || second === undefined || third !== undefined) {
    process.stderr.write('tanist: --pair takes two files, one for each director\n')
    return 'wrong'
  }
  try {
    return loadPair([first, second])
  } catch (error) {
    if (!(error instanceof PairError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 'wrong'
  }
}

function kindsFor(drill: Drill, { against, directors }: RunOptions, console: RunConsole): readonly Kinds[] {
  const asked =
    directors === undefined ? [alike('tanist'), ...(against === undefined ? [] : [alike(against)])] : [directors]
  return asked.filter((kinds) => {
    const isPossible = drill.notKeepalived === undefined || !Object.values(kinds).includes('keepalived')
    if (!isPossible) console.skip(drill, `not with keepalived: ${drill.notKeepalived}`)
    return isPossible
  })
}
