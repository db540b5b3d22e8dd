import type { Logger } from 'pino'
import type { SeenState } from '../../balance/availability.ts'
import { heldPanic, noPanic, type PanicState, stepPanic } from '../../balance/panic.ts'
import { heldNetwork, type NetworkState, type Reached, stepNetwork, wholeNetwork } from '../../balance/own-network.ts'
import type { Watched } from '../../balance/flaps.ts'
import { handled, type Standing } from '../../balance/standing.ts'
import { longestRound } from '../../check/schedule.ts'
import type { CoreReading } from '../../model/core-reading.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { HandOn } from '../../model/hand.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { type Millis, millis } from '../../time.ts'
import type { RecentEvents } from './events.ts'
import { Flaps } from './flaps.ts'
import { nameIn } from './name-in.ts'
import { Observations } from './observations.ts'
import { SlowStarts } from './slow-starts.ts'
import type { Verdicts } from './verdicts.ts'

/** Names of servers that are held up: by the cut of the network, and of each virtual server that has too many failures at once. */
export interface KeptHolds {
  readonly network: readonly string[]
  readonly panics: Readonly<Record<string, readonly string[]>>
}

/**
 * How servers stand when not everything that a check says is believed at once: a cut of this host's own network, and too many failures at
 * once (`panic_threshold`), hold what was; those that flap (`flap_limit`) are held down; and those that come back start slowly
 * (`slow_start`). To be asked after `follow`, which is due with each plan.
 */
export class Holds {
  readonly #verdicts: Verdicts
  readonly #log: Logger
  readonly #events: RecentEvents
  readonly #wake: () => void
  #network: NetworkState = wholeNetwork
  #panics: ReadonlyMap<string, PanicState> = new Map()
  readonly #flaps = new Flaps((began, what) => this.#say(began, what, 'warn'))
  readonly #observations = new Observations((began, what) => this.#say(began, what, 'warn'))
  readonly #slowStarts = new SlowStarts()
  #timer: NodeJS.Timeout | undefined

  /** `kept`: of the director before this one. `wake`: another plan is due, as time has passed. */
  constructor(verdicts: Verdicts, kept: KeptHolds | undefined, log: Logger, events: RecentEvents, wake: () => void) {
    this.#verdicts = verdicts
    this.#log = log
    this.#events = events
    this.#wake = wake
    if (kept === undefined) return
    const now = millis(performance.now())
    this.#network = heldNetwork(kept.network, now)
    this.#panics = new Map(Object.entries(kept.panics).map(([name, held]) => [name, heldPanic(held, now)]))
  }

  /** `handOf`: what an operator says of a server; one that is taken out by hand could not serve in the place of another. */
  follow(
    servers: readonly VirtualServer[],
    handOf: (server: VirtualServer, real: RealServer) => HandOn | undefined,
  ): void {
    const now = millis(performance.now())
    this.#followNetwork(servers, now)
    this.#followPanics(servers, now)
    const calms = this.#flaps.follow(servers, (server, real) => this.#watched(server, real, handOf(server, real)), now)
    const rises = this.#slowStarts.follow(servers, (server, real) => this.#starting(server, real), now)
    clearTimeout(this.#timer)
    const next = Math.min(this.#network.until ?? Infinity, calms ?? Infinity, rises ?? Infinity)
    // A millisecond more: a timer may be early by a fraction.
    if (next !== Infinity) this.#timer = setTimeout(this.#wake, next - now + 1)
  }

  /** What clients have met, which is due from time to time. Returns whether another plan is. */
  observe(
    servers: readonly VirtualServer[],
    handOf: (server: VirtualServer, real: RealServer) => HandOn | undefined,
    reading: CoreReading,
  ): boolean {
    const serves = (server: VirtualServer, real: RealServer) => {
      const standing = handled(this.#believed(server, real), handOf(server, real))
      return standing.up && standing.weight > 0 && !this.#flaps.keepsDown(server, real)
    }
    return this.#observations.observe(servers, serves, reading, millis(performance.now()))
  }

  standing(server: VirtualServer, real: RealServer): Standing {
    return this.#slowStarts.standing(server, real, this.#whole(server, real))
  }

  /** With all of its weight. */
  #whole(server: VirtualServer, real: RealServer): Standing {
    const believed = this.#believed(server, real)
    const isHeldDown = this.#flaps.keepsDown(server, real) || this.#observations.holdsDown(server, real)
    return isHeldDown ? { ...believed, up: false } : believed
  }

  /** Whether it flaps or not. */
  #believed(server: VirtualServer, real: RealServer): Standing {
    const standing = this.#verdicts.standing(server, real)
    return standing.up || this.#heldBy(server, real) === undefined ? standing : { ...standing, up: true }
  }

  /** What is known of it: nothing while the failure that was found is not believed. */
  state(server: VirtualServer, real: RealServer): SeenState {
    const state = this.#verdicts.state(server, real)
    return state === 'down' && this.#heldBy(server, real) !== undefined ? 'unknown' : state
  }

  /** For people: what holds a server is told with what its checks say. */
  describe(server: VirtualServer, real: RealServer): ReturnType<Verdicts['describe']> {
    const said = this.#verdicts.describe(server, real)
    const why = said.up ? undefined : this.#heldBy(server, real)
    const { up } = this.#whole(server, real)
    const reasons = [
      said.reason,
      ...(why === undefined ? [] : [`held up: ${why}`]),
      this.#flaps.describe(server, real),
      this.#observations.describe(server, real),
      up ? this.#slowStarts.describe(server, real) : undefined,
    ]
    return { ...said, up, reason: reasons.filter((each) => each !== undefined).join('; ') }
  }

  /** For a director that comes after this one. */
  get kept(): KeptHolds {
    const panics = [...this.#panics].filter(([, { isPanicking }]) => isPanicking)
    return {
      network: [...this.#network.held],
      panics: Object.fromEntries(panics.map(([name, { held }]) => [name, [...held]])),
    }
  }

  /** What people are to see first. */
  get alarms(): readonly string[] {
    const panics = [...this.#panics].filter(([, { isPanicking }]) => isPanicking)
    return [
      ...(this.#network.isCut ? [CUT] : []),
      ...panics.map(
        ([name, { held }]) => `VS ${name}: too many servers failed at once; ${held.size} are held up (panic_threshold)`,
      ),
    ]
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #heldBy(server: VirtualServer, real: RealServer): string | undefined {
    if (this.#network.held.has(nameIn(server, real))) return 'this host reaches no server'
    return this.#panics.get(server.name)?.held.has(endpointName(real.endpoint)) === true
      ? 'too many failed at once'
      : undefined
  }

  #watched(server: VirtualServer, real: RealServer, hand: HandOn | undefined): Omit<Watched, 'name'> {
    const { up, isKnown } = this.#verdicts.seen(server, real)
    const standing = handled(this.#believed(server, real), hand)
    const serves = standing.up && standing.weight > 0
    const isHeld = !up && this.#heldBy(server, real) !== undefined
    return { state: isHeld ? 'held' : !isKnown ? 'untried' : up ? 'up' : 'down', serves }
  }

  #starting(server: VirtualServer, real: RealServer): ReturnType<Parameters<SlowStarts['follow']>[1]> {
    const { up, isKnown } = this.#verdicts.seen(server, real)
    const { up: serves, weight } = this.#whole(server, real)
    const state = serves ? (up ? 'up' : 'unsure') : isKnown ? 'down' : 'unsure'
    return { state, weight }
  }

  #followNetwork(servers: readonly VirtualServer[], now: Millis): void {
    const before = this.#network
    const reached: Reached[] = []
    let round = 0
    for (const server of servers) {
      for (const real of server.realServers) {
        if (real.checks.length === 0) continue
        const { address } = real.endpoint
        reached.push({ name: nameIn(server, real), address, ...this.#verdicts.seen(server, real) })
        for (const check of real.checks) if ('delayLoop' in check) round = Math.max(round, longestRound(check))
      }
    }
    this.#network = stepNetwork(before, reached, millis(round), now)
    const { isCut, held } = this.#network
    if (isCut !== before.isCut)
      this.#say(isCut, isCut ? `${CUT}; ${held.size} stay up` : 'this host reaches servers again')
  }

  #followPanics(servers: readonly VirtualServer[], now: Millis): void {
    const panics = new Map<string, PanicState>()
    for (const server of servers) {
      const { name, panic: rule, realServers } = server
      if (rule === undefined) continue
      const before = this.#panics.get(name) ?? noPanic
      const checked = realServers
        .filter(({ checks }) => checks.length > 0)
        .map((real) => {
          const { up, isKnown } = this.#verdicts.seen(server, real)
          // What the network holds has not failed.
          return { name: endpointName(real.endpoint), up: up || this.#network.held.has(nameIn(server, real)), isKnown }
        })
      const now1 = stepPanic(rule, before, checked, now)
      panics.set(name, now1)
      if (now1.isPanicking === before.isPanicking) continue
      const many = `more than ${rule.percent} % of the servers of VS ${name} failed within ${rule.within / 1000} s`
      const over = `not more than ${rule.percent} % of the servers of VS ${name} fail any more; checks are believed again`
      this.#say(now1.isPanicking, now1.isPanicking ? `${many}; ${now1.held.size} are held up` : over)
    }
    this.#panics = panics
  }

  #say(began: boolean, what: string, level: 'warn' | 'error' = 'error'): void {
    this.#log[began ? level : 'info'](what)
    this.#events.add({ at: new Date().toISOString(), type: 'hold', began, what })
  }
}

const CUT = "this host's network: there is no way to any server that is checked"
