import { appendFileSync, writeFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DIRECTORS, type DirectorSample, isGood, type RecordedEvent, type Recording } from '../drill/recording.ts'
import { figuresOf } from '../drill/report/figures.ts'
import { page } from '../drill/report/html.ts'
import { jsonLine } from '../drill/report/json.ts'
import { timelineOf } from '../drill/report/timeline.ts'
import { LostPlaceError } from '../lab/connect.ts'
import { UnsettledError } from '../lab/open-stage.ts'
import { loadPair, needLacked, ownPair, type Pair, PairError } from '../lab/pair.ts'
import { soak, type SoakDrill, type SoakGrowth, WARM_UP } from '../lab/soak.ts'
import { BOOK } from './drill-book.ts'

const EXIT_FAILED = 1
const EXIT_REFUSED = 5
const EXIT_INTERRUPTED = 130

/** BOUNDED: recordings that are kept for the page, and of those which held. */
const MOST_FAILED = 100
const MOST_HELD = 50
/** BOUNDED: violations that the summary names. */
const MOST_NAMED = 100
const HOUR_MS = 3_600_000

interface Options {
  readonly pair?: readonly string[]
  readonly method: 'nat' | 'dr'
  readonly hours: number
  readonly drills: number
  readonly seed: number
  readonly from: number
  readonly html?: string
  readonly json?: string
  readonly tanistd?: string
}

/** Adds `soak` to `tanist drill`. */
export function addSoakCommand(drill: Command): void {
  drill
    .command('soak')
    .description(
      'run drills that chance makes, one after the other on the same pair, for hours; in a lab as `run` does',
    )
    .addOption(
      new Option('--pair <files...>', 'the configuration files of two directors, in place of those of --method'),
    )
    .addOption(new Option('--method <name>', 'the example that the pair has').choices(['nat', 'dr']).default('nat'))
    .addOption(new Option('--hours <hours>', 'how long drills are begun').argParser(hoursOf).default(1))
    .addOption(new Option('--drills <number>', 'how many at most').argParser(wholeOf).default(Infinity, 'no end'))
    .addOption(new Option('--seed <seed>', 'the sequence of drills').argParser(wholeOf).default(1))
    .addOption(
      new Option('--from <number>', 'the first drill of the sequence that is run').argParser(wholeOf).default(1),
    )
    .option('--html <file>', 'write a page with plots: what did not hold, and the last ones that did')
    .option('--json <file>', 'write each drill as a line of JSON, as soon as it is over')
    .addOption(new Option('--tanistd <program>', 'another tanistd than that of this installation'))
    .action(async (options: Options) => {
      process.exitCode = await runSoak(options)
    })
}

function wholeOf(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('a whole number from 1')
}

function hoursOf(text: string): number {
  if (/^\d{1,4}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('a number above 0, such as 0.5')
}

async function runSoak(options: Options): Promise<number> {
  if (process.getuid?.() !== 0) {
    process.stderr.write('tanist: a lab of network namespaces needs root\n')
    return EXIT_REFUSED
  }
  const pair = pairOf(options)
  if (pair === undefined) return EXIT_REFUSED
  const interrupt = new AbortController()
  const stop = () => {
    if (interrupt.signal.aborted) return
    process.stderr.write('\ninterrupted: what was done is undone\n')
    interrupt.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const { seed, from, hours, drills, tanistd: program } = options
  const log = new SoakConsole(options)
  try {
    const grown = await soak({
      pair,
      program,
      seed,
      from,
      milliseconds: hours * HOUR_MS,
      drills,
      interrupt: interrupt.signal,
      onEvent: (event) => log.tell(event),
      onEnd: (drill, recording, failure) => log.end(drill, recording, failure),
    })
    log.conclude(grown)
  } catch (error) {
    const isTold = error instanceof PairError || error instanceof UnsettledError || error instanceof LostPlaceError
    if (!isTold && process.env['TANIST_DEBUG'] !== undefined) throw error
    log.conclude([])
    process.stderr.write(`tanist: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT_FAILED
  }
  if (log.violations > 0) return EXIT_FAILED
  if (interrupt.signal.aborted) return EXIT_INTERRUPTED
  // What has run nothing has shown nothing.
  return log.isEmpty ? EXIT_REFUSED : 0
}

/** Undefined: what is wrong with it has been said. */
function pairOf({ pair: files, method }: Options): Pair | undefined {
  try {
    const pair = filesOf(files, method)
    const lack = needLacked({ needs: ['preemption'], steps: [] }, pair)
    if (lack === undefined) return pair
    process.stderr.write(`tanist: ${lack}, without which it does not come to rest as it was\n`)
  } catch (error) {
    if (!(error instanceof PairError)) throw error
    process.stderr.write(`${error.message}\n`)
  }
  return undefined
}

function filesOf(files: readonly string[] | undefined, method: Options['method']): Pair {
  if (files === undefined) {
    const source = { from: { files: [`../${method}.conf`] }, priorities: [150, 100], changes: [] } as const
    return ownPair({ file: `${BOOK}/soak.yaml` }, source)
  }
  const [first, second, third] = files
  if (first === undefined || second === undefined || third !== undefined) {
    throw new PairError('tanist: --pair takes two files, one for each director')
  }
  return loadPair([first, second])
}

/** A line for each drill, and all of what did not hold. What it keeps does not grow with the hours. */
class SoakConsole {
  readonly #options: Options
  readonly #beganAt = Date.now()
  readonly #failed: Recording[] = []
  readonly #held: Recording[] = []
  readonly #named: string[] = []
  #drills = 0
  #longest = 0
  #ownBytes: number | undefined
  violations = 0

  constructor(options: Options) {
    this.#options = options
    if (options.json !== undefined) writeFileSync(options.json, '')
  }

  /** Of a drill that goes on only what cannot wait for its end. */
  tell(event: RecordedEvent): void {
    if (event.type === 'undone' && event.failure !== undefined) this.#say(`      ${event.text}: ${event.failure}`)
  }

  end(drill: SoakDrill, recording: Recording | undefined, failure: string | undefined): void {
    if (recording?.ending === 'interrupted') return
    this.#drills++
    if (this.#drills === WARM_UP) this.#ownBytes = process.memoryUsage.rss()
    const isHeld = recording !== undefined && isGood(recording)
    const outage = recording && figuresOf(recording).outageMs
    if (outage !== undefined) this.#longest = Math.max(this.#longest, outage)
    const figures = outage === undefined ? '' : `  ${outage.toFixed(0)} ms`
    this.#say(`${String(drill.number).padStart(5)}  ${isHeld ? '✓' : '✗'}  ${drill.name}${figures}`)
    if (recording !== undefined && this.#options.json !== undefined) {
      appendFileSync(this.#options.json, `${jsonLine(recording)}\n`)
    }
    if (isHeld) {
      this.#held.push(recording)
      if (this.#held.length > MOST_HELD) this.#held.shift()
      return
    }
    this.violations++
    if (this.#named.length < MOST_NAMED) this.#named.push(`${drill.number}  ${drill.name}`)
    if (recording !== undefined && this.#failed.length < MOST_FAILED) this.#failed.push(recording)
    this.#tellAll(drill, recording, failure)
  }

  #tellAll({ number, text }: SoakDrill, recording: Recording | undefined, failure: string | undefined): void {
    if (failure !== undefined) this.#say(`      ✗ ${failure}`)
    if (recording !== undefined) {
      for (const line of timelineOf(recording, { hasColours: false, isVerbose: true })) this.#say(`      ${line}`)
      for (const { of, text: said, holds, found } of recording.judgements) {
        if (holds !== true) this.#say(`      ${holds === false ? '✗' : '?'} ${of} ${said}: ${found}`)
      }
    }
    for (const line of text.trimEnd().split('\n')) this.#say(`      | ${line}`)
    const { pair, method, seed } = this.#options
    const whose = pair === undefined ? `--method ${method}` : `--pair ${pair.join(' ')}`
    this.#say(`      again: tanist drill soak ${whose} --seed ${seed} --from ${number} --drills 1`)
  }

  get isEmpty(): boolean {
    return this.#drills === 0
  }

  conclude(grown: readonly SoakGrowth[]): void {
    const minutes = (Date.now() - this.#beganAt) / 60_000
    this.#say('')
    this.#say(
      `${this.#drills} drills in ${minutes.toFixed(0)} min, ${this.violations} of them did not hold; longest outage ${this.#longest.toFixed(0)} ms`,
    )
    for (const each of this.#named) this.#say(`  ✗ ${each}`)
    if (grown.length === 0) this.#say('too few drills on one pair to tell what becomes of memory and descriptors')
    for (const { before, afterwards, judgement } of grown) {
      for (const line of growthLines(before, afterwards)) this.#say(line)
      this.#say(`${judgement.holds === true ? '✓' : '✗'} ${judgement.text}: ${judgement.found}`)
      if (judgement.holds !== true) this.violations++
    }
    if (this.#ownBytes !== undefined) {
      const [was, is] = [this.#ownBytes, process.memoryUsage.rss()].map((bytes) => mebibytes(bytes))
      this.#say(`  this program ${was} → ${is} MiB, with all that it keeps for --html`)
    }
    if (this.isEmpty) this.#say('Nothing was run.')
    else this.#say(this.violations === 0 ? 'Every claim held.' : 'Not every claim held.')
    const { html } = this.#options
    if (html === undefined) return
    writeFileSync(html, page([...this.#failed, ...this.#held], ['tanist', ...process.argv.slice(2)].join(' ')))
  }

  #say(line: string): void {
    process.stdout.write(`${line}\n`)
  }
}

/** Of each process, in the order of the first sample. */
function growthLines(before: readonly DirectorSample[], afterwards: readonly DirectorSample[]): readonly string[] {
  const of = (samples: readonly DirectorSample[], name: string) =>
    samples.find(({ director }) => director === name)?.processes ?? []
  return DIRECTORS.flatMap((name) =>
    of(before, name).map(({ role, residentBytes, descriptors }) => {
      const is = of(afterwards, name).find((each) => each.role === role)
      const memory = `${mebibytes(residentBytes)} → ${is === undefined ? 'gone' : mebibytes(is.residentBytes)} MiB`
      return `  ${name} ${role.padEnd(8)} ${memory}, ${descriptors} → ${is?.descriptors ?? 'gone'} descriptors`
    }),
  )
}

const mebibytes = (bytes: number): string => (bytes / (1 << 20)).toFixed(1)
