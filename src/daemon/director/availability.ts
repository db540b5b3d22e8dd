import type { Logger } from 'pino'
import { type History, note, type SeenState, seenIn } from '../../balance/availability.ts'
import { type Absence, beginOf } from '../../balance/observed-time.ts'
import { type FormedPool, knownQuorum } from '../../balance/pool.ts'
import { availabilityIn } from '../../control/availability.ts'
import type { AvailabilitySnapshot } from '../../control/snapshot.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { type Millis, millis, seconds } from '../../time.ts'
import { confirmObserved, keepObserved, keptObserved } from './availability-file.ts'
import { Coalescer } from './coalescer.ts'

export interface AvailabilityContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  /** What is known of a real server at the moment, whatever is decided about it. */
  state(server: VirtualServer, real: RealServer): SeenState
}

const HOUR = seconds(3600)
const DAY = seconds(24 * 3600)
const LONGEST = seconds(30 * 24 * 3600)

/** What happens within this time after another is seen together with what follows. */
const LOOK_GAP_MS = 50
/** What has changed is written so often, or the file is told to hold: a crash loses as much. */
const KEEP_EVERY = seconds(10)
/** Writing takes at most so much of the director's time. */
const WRITING_SHARE = 1 / 50
/** A clock that goes so much otherwise than the monotonic one was set. */
const CLOCK_SET = seconds(1)

/** BOUNDED: periods of one server or service, and of all. Where there are many of them each has less. */
const MOST_PERIODS = 256
const LEAST_PERIODS = 8
const ALL_PERIODS = 2 ** 19

type Pools = ReadonlyMap<string, FormedPool>

/**
 * How much of the last hour, day and 30 days real servers and services were up. A server is up while its checks say so, by hand or not; a
 * service while it has quorum. Whoever the configuration has no more is forgotten.
 */
export class Availability {
  readonly #context: AvailabilityContext
  readonly #looking = new Coalescer(() => this.#look(), LOOK_GAP_MS)
  readonly #keeping: NodeJS.Timeout
  readonly #absences: readonly Absence[]
  /** Observed time when the monotonic clock was 0. */
  readonly #begun: number
  /** By `keyOf`. BOUNDED by the servers of the configuration. */
  readonly #histories: Map<string, History>
  #pools: Pools = new Map()
  #suspended: ReadonlySet<string> = new Set()
  /** Virtual servers that are to be looked at, and those of which a plan is due first: it may not believe what was found. */
  readonly #changed = new Set<string>()
  readonly #awaitingPlan = new Set<string>()
  /** Something is not written yet. */
  #isStale = true
  #hasFailed = false
  #writeNotBefore = 0
  /** When it was written, by both clocks. */
  #written = { date: 0, monotonic: 0 }

  constructor(context: AvailabilityContext) {
    this.#context = context
    const kept = this.#kept()
    this.#absences = kept?.absences ?? []
    this.#begun = (kept?.time ?? 0) - performance.now()
    this.#histories = new Map(kept?.histories)
    this.#keeping = setInterval(() => this.#keep(), KEEP_EVERY).unref() // a start may fail after this
  }

  /** A checker of this virtual server has said something. `isPlanned`: a plan will follow. */
  verdict(server: VirtualServer | undefined, isPlanned: boolean): void {
    if (server === undefined) return
    if (isPlanned) {
      this.#awaitingPlan.add(server.name)
      return
    }
    this.#changed.add(server.name)
    this.#looking.request()
  }

  /** After each plan. `suspended`: names of virtual servers whose checks rest. */
  follow(pools: Pools, suspended: ReadonlySet<string>): void {
    let isReloaded = pools.size !== this.#pools.size
    for (const [name, pool] of pools) {
      const before = this.#pools.get(name)
      if (before?.server !== pool.server) isReloaded = true
      const isSame = before === pool && suspended.has(name) === this.#suspended.has(name)
      if (!isSame || this.#awaitingPlan.has(name)) this.#changed.add(name)
    }
    this.#awaitingPlan.clear()
    this.#suspended = suspended
    this.#pools = pools
    if (isReloaded) this.#forget()
    if (this.#changed.size > 0) this.#looking.request()
  }

  /** As of now. */
  reader(): (server: VirtualServer, real?: RealServer) => AvailabilitySnapshot | undefined {
    const now = this.#now
    const begins = [HOUR, DAY, LONGEST].map((span) => beginOf(span, now, this.#absences))
    return (server, real) => {
      const history = this.#histories.get(keyOf(server, real))
      if (history === undefined) return undefined
      const [lastHour, lastDay, last30Days] = begins.map((begin) => availabilityIn(seenIn(history, begin, now)))
      if (lastHour === undefined || lastDay === undefined || last30Days === undefined) return undefined
      return { lastHour, lastDay, last30Days }
    }
  }

  /** Writes what there is, and looks no more. */
  close(): void {
    this.#looking.cancel()
    clearInterval(this.#keeping)
    this.#write()
  }

  get #now(): Millis {
    return millis(this.#begun + performance.now())
  }

  #look(): void {
    for (const name of this.#changed) {
      if (this.#awaitingPlan.has(name)) continue
      this.#changed.delete(name)
      const pool = this.#pools.get(name)
      if (pool === undefined) continue
      const { server, standings } = pool
      const isSuspended = this.#suspended.has(name)
      const states = server.realServers.map((real) => (isSuspended ? 'unknown' : this.#context.state(server, real)))
      for (const [i, real] of server.realServers.entries()) this.#note(keyOf(server, real), states[i])
      // Who is out by hand is out, whatever his checks say.
      const isOut = (i: number) => standings[i]?.byHand !== undefined && !standings[i].up
      const quorum = knownQuorum(
        pool,
        states.map((each, i) => each !== 'unknown' || isOut(i)),
      )
      this.#note(keyOf(server), quorum === undefined ? 'unknown' : quorum ? 'up' : 'down')
    }
  }

  #note(key: string, state: SeenState = 'unknown'): void {
    const limit = Math.min(MOST_PERIODS, Math.max(LEAST_PERIODS, Math.floor(ALL_PERIODS / this.#histories.size)))
    const before = this.#histories.get(key)
    const now = note(before, state, this.#now, { keep: LONGEST, limit })
    if (now === before) return
    this.#histories.set(key, now)
    this.#isStale = true
  }

  /** What is not configured any more. */
  #forget(): void {
    const keys = new Set<string>()
    for (const { server } of this.#pools.values()) {
      keys.add(keyOf(server))
      for (const real of server.realServers) keys.add(keyOf(server, real))
    }
    for (const key of this.#histories.keys()) if (!keys.has(key)) this.#histories.delete(key)
    this.#isStale = true
  }

  #kept(): ReturnType<typeof keptObserved> {
    try {
      return keptObserved(this.#context.name, LONGEST)
    } catch (error) {
      this.#context.log.warn(`${reasonOf(error)}; availability is counted from now on`)
      return undefined
    }
  }

  #keep(): void {
    const ran = performance.now() - this.#written.monotonic
    const isClockSet = Math.abs(Date.now() - this.#written.date - ran) > CLOCK_SET
    if (this.#isStale || isClockSet) {
      if (performance.now() >= this.#writeNotBefore) this.#write()
      return
    }
    try {
      confirmObserved(this.#context.name)
    } catch {
      // Somebody has removed it.
      this.#write()
    }
  }

  #write(): void {
    const begun = performance.now()
    try {
      keepObserved(this.#context.name, { time: this.#now, absences: this.#absences, histories: this.#histories })
      this.#isStale = false
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) this.#context.log.error(`cannot keep the availability of servers: ${reasonOf(error)}`)
      this.#hasFailed = true
    }
    const ended = performance.now()
    this.#written = { date: Date.now(), monotonic: ended }
    this.#writeNotBefore = ended + (ended - begun) / WRITING_SHARE
  }
}

const keyOf = ({ name }: VirtualServer, real?: RealServer): string =>
  real === undefined ? name : `${name} ${endpointName(real.endpoint)}`
