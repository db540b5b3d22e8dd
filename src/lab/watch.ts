import type { Address } from '../net/address.ts'
import { readLogLine } from '../drill/log-line.ts'
import { DIRECTORS, type DirectorName, type RecordedEvent } from '../drill/recording.ts'
import type { Millis } from '../time.ts'
import type { LogSource } from './daemons/daemon.ts'
import { monotonicNow } from './monotonic.ts'
import type { Working } from './place.ts'
import type { AddressNews } from './programs/addresses.ts'
import type { Captured } from './programs/capture.ts'
import type { Site, SiteDirector } from './site.ts'

/** BOUNDED: log lines of one drill that are kept; what comes then is left out. */
const MOST_LINES = 100_000
/** Of one line. */
const LONGEST_LINE = 2000

/** An event without its time. */
export type Seen = RecordedEvent extends infer E ? (E extends RecordedEvent ? Omit<E, 'at'> : never) : never

/** What is seen of the directors while a drill goes on: virtual addresses, logs, commands that are run. */
export class Watch {
  /** Gets what is seen, with times by this process's monotonic clock; between drills nobody. */
  onEvent: ((event: Seen, at: Millis) => void) | undefined
  readonly #virtual: ReadonlySet<string>
  readonly #held: Readonly<Record<DirectorName, Set<string>>> = { director1: new Set(), director2: new Set() }
  readonly #lines: { readonly at: Millis; readonly director: DirectorName; readonly line: string }[] = []
  readonly #calls: {
    readonly at: Millis
    readonly director: DirectorName
    readonly command: string
    readonly arguments: readonly string[]
  }[] = []
  readonly #programs: Working[] = []
  #capture: Working | undefined
  #linesLeft = MOST_LINES

  constructor(site: Site) {
    this.#virtual = new Set(site.virtualAddresses)
  }

  /** Before the daemons are started, so that nothing is missed. `logs`: at the directors' places. */
  async start(site: Site, logs: Readonly<Record<DirectorName, LogSource>>): Promise<void> {
    await Promise.all(DIRECTORS.map((name) => this.#watch(site.directors[name], logs[name])))
    const { stranger } = site
    if (stranger === undefined) return
    this.#capture = await stranger.place.work('capture', [stranger.interface])
    this.#programs.push(this.#capture)
  }

  async #watch({ name, place, calls }: SiteDirector, log: LogSource): Promise<void> {
    this.#programs.push(
      await place.work('addresses', [], (event, at) => this.#takeAddress(name, event as AddressNews, at)),
    )
    const onLine = (line: unknown, at: Millis) => this.#takeLine(name, String(line), at)
    if ('file' in log) this.#programs.push(await place.work('follow', [log.file], onLine))
    // It ends with the place.
    else await place.start(log.command, { onLine })
    if (calls !== undefined) {
      this.#programs.push(await place.work('follow', [calls], (event, at) => this.#takeCall(name, String(event), at)))
    }
  }

  #takeAddress(director: DirectorName, { address, holds }: AddressNews, at: Millis): void {
    if (!this.#virtual.has(address) || this.#held[director].has(address) === holds) return
    if (holds) this.#held[director].add(address)
    else this.#held[director].delete(address)
    this.onEvent?.({ type: 'address', director, address, holds }, at)
  }

  #takeLine(director: DirectorName, whole: string, at: Millis): void {
    if (this.#linesLeft-- <= 0) return
    const line = whole.slice(0, LONGEST_LINE)
    this.#lines.push({ at, director, line })
    this.onEvent?.({ type: 'log', director, line }, at)
  }

  #takeCall(director: DirectorName, line: string, at: Millis): void {
    if (this.#linesLeft-- <= 0) return
    let call: { command: string; arguments: readonly string[] }
    try {
      call = JSON.parse(line) as { command: string; arguments: readonly string[] }
    } catch {
      return // the stand-in was ended while it wrote
    }
    this.#calls.push({ at, director, command: call.command, arguments: call.arguments })
    this.onEvent?.({ type: 'called', director, command: call.command, arguments: call.arguments }, at)
  }

  /** Forgets the log and the commands of what was before: a drill begins. */
  beginAnew(): void {
    this.#lines.length = 0
    this.#calls.length = 0
    this.#linesLeft = MOST_LINES
  }

  say(text: string): void {
    this.onEvent?.({ type: 'said', text }, monotonicNow())
  }

  has(director: DirectorName, address: Address): boolean {
    return this.#held[director].has(address)
  }

  /** How many of the virtual addresses this director has. */
  count(director: DirectorName): number {
    return this.#held[director].size
  }

  holders(address: Address): readonly DirectorName[] {
    return DIRECTORS.filter((name) => this.has(name, address))
  }

  /** Whether its log has had such a line since then. */
  hasSaid(director: DirectorName, pattern: RegExp, since: Millis): boolean {
    return this.#lines.some(
      (each) => each.director === director && each.at >= since && pattern.test(readLogLine(each.line).text),
    )
  }

  /** Whether such a command has been run since then. */
  wasCalled(director: DirectorName, command: string, args: RegExp | undefined, since: Millis): boolean {
    return this.#calls.some(
      (each) =>
        each.director === director &&
        each.at >= since &&
        each.command.includes(command) &&
        (args?.test(each.arguments.join(' ')) ?? true),
    )
  }

  /** Adverts of a director as they were on its network, in base64; the last ones. */
  async framesOf(director: SiteDirector): Promise<readonly string[]> {
    if (this.#capture === undefined) return []
    const links = JSON.parse((await director.place.run(['ip', '-json', 'address'])).stdout) as Links
    const own = new Set(links.flatMap((link) => link.addr_info.map(({ local }) => local)))
    const { frames } = (await this.#capture.ask('frames')) as Captured
    return frames.filter(({ source }) => own.has(source)).map(({ frame }) => frame)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end().catch(() => {})))
  }
}

/** What `ip` says of addresses. */
type Links = readonly { readonly addr_info: readonly { readonly local: string }[] }[]
