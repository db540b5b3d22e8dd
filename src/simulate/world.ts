import type { VrrpInstance } from '../model/vrrp.ts'
import { trackerKey, type TrackerResult } from '../model/tracking.ts'
import { type Millis, millis } from '../time.ts'
import type { Step } from '../vrrp/effect.ts'
import type { EngineState, Event } from '../vrrp/state.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Director } from './director.ts'
import type { Fault, Trouble } from './fault.ts'
import { History, type Line } from './history.ts'
import { Judge, type Violation } from './judge.ts'
import { Kernel } from './kernel.ts'
import { Network } from './network.ts'
import type { Site } from './setup.ts'
import { type RouterTally, Tally } from './tally.ts'
import { healthyResults } from './trackers.ts'
import type { Packet } from './wire.ts'

/** A run of a simulation. Times are in ms from its beginning. */
export interface Run {
  readonly site: Site
  /** Of what chance decides: trips of packets, losses, how late timers are. */
  readonly seed: number
  /** In the order of their times. */
  readonly faults: readonly Fault[]
  readonly end: number
  /** Pass over times in which nothing happens but the same adverts again. */
  readonly skipsCalm: boolean
  /** Keep the lines of the story. */
  readonly tells: boolean
}

export interface Outcome {
  readonly violations: readonly (Violation & { readonly at: number })[]
  readonly routers: readonly RouterTally[]
  readonly faults: number
  /** Of the time how much was passed over. */
  readonly skipped: number
  /** Of everything that happened: the same for the same run. */
  readonly hash: string
  readonly story: readonly Line[]
}

/** BOUNDED: what goes wrong for ever is told of so many times. */
const MOST_VIOLATIONS = 20

/** After so long without anything but adverts, longer than anything that a configuration can wait for, nothing will happen. */
const UNEVENTFUL = 3000

/** Hosts, each with a director, and a network between them, in virtual time; everything comes of the run, and of nothing else. */
export class World {
  readonly #run: Run
  readonly #agenda = new Agenda()
  readonly #chance: Chance
  readonly #network: Network
  readonly #kernels: readonly Kernel[]
  readonly #directors: readonly Director[]
  readonly #judge: Judge
  readonly #tally: Tally
  readonly #history: History
  readonly #violations: (Violation & { readonly at: number })[] = []
  /** Hosts without power. */
  readonly #off = new Set<number>()
  readonly #quiet: number
  /** By `host device`, how many faults keep it without a carrier. */
  readonly #pulled = new Map<string, number>()
  /** How long after its end a director that stops is to be started again. */
  readonly #returns = new Map<number, number>()
  /** When the kernel of a host is looked at since a lifetime may end: one time each, soonest first. */
  readonly #looksAt = new Map<number, number>()
  #now = 0
  #skipped = 0
  /** Steps that are on the way besides packets and timers. */
  #pending = 0
  #lastNews = 0

  constructor(run: Run) {
    this.#run = run
    this.#chance = new Chance(run.seed)
    this.#history = new History(run.tells)
    this.#network = new Network(run.site, this.#chance)
    this.#kernels = run.site.interfaces.map((interfaces) => new Kernel(interfaces))
    this.#directors = run.site.directors.map((setup, host) => new Director(setup, this.#around(host)))
    this.#tally = new Tally(run.site, this.#kernels, (host) => !this.#off.has(host))
    this.#judge = new Judge(run.site, {
      network: this.#network,
      now: () => this.#now,
      process: (host) => this.#directors[host]?.process,
      takesPart: (host) => this.#directors[host]?.takesPart === true,
      isPrompt: (host) => (this.#directors[host]?.process?.lag ?? 0) === 0,
      kernel: (host) => this.#kernelOf(host),
      violated: (violation) => this.#violated(violation),
    })
    this.#quiet = UNEVENTFUL + longestWait(run.site)
  }

  /** Runs to the end, or to the first violation if there is to be no more. */
  run(stopsAtViolation: boolean): Outcome {
    const { faults, end } = this.#run
    for (const host of this.#directors.keys()) this.#later(this.#chance.between(0, 200), () => this.#start(host))
    let count = 0
    for (;;) {
      const fault = faults[count]
      const target = Math.min(fault?.at ?? end, end)
      if (this.#calendar < target) {
        this.#advance(target)
        if (this.#violations.length > 0 && stopsAtViolation) break
        if (this.#calendar < target) continue
      }
      if (fault === undefined || fault.at >= end) break
      this.#strike(fault)
      count++
    }
    const routers = this.#tally.end(this.#calendar)
    const { hash, lines: story } = this.#history
    return { violations: this.#violations, routers, faults: count, skipped: this.#skipped, hash, story }
  }

  get #calendar(): number {
    return this.#now + this.#skipped
  }

  /** Lets happen what is due until then, or a part of it. */
  #advance(target: number): void {
    for (;;) {
      const until = target - this.#skipped
      if (this.#maySkip()) {
        // The next fault strikes at any point of an interval.
        const skip = until - this.#now - this.#chance.between(0, 2 * UNEVENTFUL)
        if (skip > 0) {
          this.#skipped += skip
          this.#lastNews = this.#now
          return
        }
      }
      const { next } = this.#agenda
      if (next > until) {
        this.#now = until
        return
      }
      this.#now = Math.max(this.#now, next)
      this.#agenda.take()?.()
      this.#judge.check()
      if (this.#violations.length > 0) return
    }
  }

  #maySkip(): boolean {
    return this.#run.skipsCalm && this.#pending === 0 && this.#now - this.#lastNews > this.#quiet
  }

  #later(after: number, what: () => void): void {
    this.#pending++
    this.#agenda.enter(this.#now + after, () => {
      this.#pending--
      this.#lastNews = this.#now
      what()
    })
  }

  #around(host: number) {
    const later = (after: number, what: () => void) =>
      this.#later(after, () => {
        what()
        this.#touched(host)
      })
    return {
      kernel: this.#kernelOf(host),
      now: (): Millis => millis(this.#now),
      at: (time: number, what: () => void) => this.#agenda.enter(time, what),
      later,
      chance: () => this.#chance.between(0, 1),
      send: (device: string, packet: Packet) => this.#send(host, device, packet),
      introduce: ({ interface: device }: VrrpInstance) => {
        const segment = this.#network.segmentOf(host, device)
        if (segment !== undefined) this.#network.introduce(host, segment, this.#now)
      },
      stepped: (event: Event, before: EngineState, result: Step) => this.#stepped(host, event, before, result),
      finished: () => this.#finished(host),
      changed: () => {
        this.#lastNews = this.#now
        this.#judge.disturbed()
        this.#judge.look(host)
      },
    }
  }

  #send(host: number, device: string, packet: Packet): void {
    const segment = this.#network.segmentOf(host, device)
    if (segment === undefined || this.#off.has(host)) return
    for (const { to, at } of this.#network.deliveries(host, segment, packet, this.#now)) {
      const here = this.#run.site.interfaces[to]?.find((each) => each.segment === segment)
      if (here === undefined) continue
      this.#agenda.enter(at, () => {
        if (!this.#off.has(to)) this.#directors[to]?.process?.deliver(here.name, packet)
      })
    }
  }

  #stepped(host: number, event: Event, before: EngineState, result: Step): void {
    this.#history.stepped(this.#calendar, this.#nameOf(host), event, result)
    for (const { type } of result.effects) {
      if (type === 'advertise' || type === 'announce' || type === 'introduce' || type === 'renew') continue
      this.#lastNews = this.#now
      this.#tally.look(host, this.#calendar)
      break
    }
    for (const effect of result.effects) {
      if (effect.type === 'yielded') this.#directors[host]?.answered(effect.instance.name, effect.result)
      if (effect.type === 'expire') this.#later(effect.after, () => {}) // until then it is not calm
    }
    this.#followLifetimes(host)
    this.#judge.stepped(host, event, before, result)
  }

  /** Something besides its own steps may have changed the network of a host. */
  #touched(host: number): void {
    this.#tally.look(host, this.#calendar)
    this.#followLifetimes(host)
    if (this.#kernelOf(host).hasNews) this.#directors[host]?.process?.networkChanged()
  }

  /** The kernel takes addresses away that nobody renews. */
  #followLifetimes(host: number): void {
    const { nextEnd } = this.#kernelOf(host)
    if (nextEnd >= (this.#looksAt.get(host) ?? Number.POSITIVE_INFINITY)) return
    this.#looksAt.set(host, nextEnd)
    this.#agenda.enter(nextEnd, () => {
      if (this.#looksAt.get(host) !== nextEnd) return
      this.#looksAt.delete(host)
      const ended = this.#kernelOf(host).endLifetimes(this.#now)
      if (ended.length > 0) this.#judge.expired(host, ended)
      this.#touched(host)
    })
  }

  #stop(host: number, lasts: number): void {
    const director = this.#directors[host]
    if (director?.canStop !== true) return
    this.#returns.set(host, lasts)
    director.stop()
  }

  #finished(host: number): void {
    this.#directors[host]?.finished()
    const back = this.#returns.get(host)
    this.#returns.delete(host)
    if (back !== undefined) this.#later(back, () => this.#start(host))
  }

  #start(host: number): void {
    if (this.#off.has(host)) return
    this.#tell(`${this.#nameOf(host)} is started`)
    this.#directors[host]?.start()
  }

  #strike(fault: Fault): void {
    this.#lastNews = this.#now
    this.#history.struck(
      this.#calendar,
      fault,
      this.#run.site.directors.map(({ name }) => name),
    )
    this.#judge.disturbed()
    this.#cause(fault)
    this.#judge.disturbed()
    this.#judge.check()
  }

  /** Ends what lasts. */
  #afterwards(after: number, what: () => void): void {
    this.#later(after, () => {
      this.#judge.disturbed()
      what()
      this.#network.look(this.#now)
      this.#judge.disturbed()
    })
  }

  #cause(fault: Trouble): void {
    switch (fault.kind) {
      case 'crash':
        this.#directors[fault.host]?.crash()
        this.#touched(fault.host)
        break
      case 'kill':
        this.#directors[fault.host]?.kill({ releases: fault.release })
        this.#later(fault.lasts, () => this.#start(fault.host))
        break
      case 'power':
        this.#losePower(fault.host, fault.lasts)
        break
      case 'stop':
        this.#stop(fault.host, fault.lasts)
        break
      case 'freeze':
        this.#directors[fault.host]?.freeze(fault.all)
        this.#afterwards(fault.lasts, () => this.#directors[fault.host]?.thaw())
        break
      case 'slow':
        this.#slow(fault.host, fault.by, fault.lasts)
        break
      case 'reload':
        this.#directors[fault.host]?.reload(fault.config)
        break
      case 'failover':
        this.#directors[fault.host]?.failOver()
        this.#afterwards(fault.lasts, () => this.#directors[fault.host]?.failBack())
        break
      case 'maintenance':
        this.#directors[fault.host]?.beginMaintenance(fault.force)
        this.#afterwards(fault.lasts, () => this.#directors[fault.host]?.endMaintenance())
        break
      case 'upgrade':
        this.#directors[fault.host]?.upgrade()
        break
      case 'unplug':
        this.#plug(fault.host, fault.interface, false)
        this.#afterwards(fault.lasts, () => this.#plug(fault.host, fault.interface, true))
        break
      case 'cut': {
        const { host, to, segment } = fault
        this.#network.cut(host, to, segment, 1)
        this.#network.look(this.#now)
        this.#afterwards(fault.lasts, () => this.#network.cut(host, to, segment, -1))
        break
      }
      case 'lossy':
        this.#weather('lossy', fault.percent, fault.lasts)
        break
      case 'doubling':
        this.#weather('doubling', fault.percent, fault.lasts)
        break
      case 'jitter':
        this.#weather('jitter', fault.upTo, fault.lasts)
        break
      case 'tracker':
        this.#track(fault.host, fault.result, fault.lasts)
        break
      case 'theft':
        this.#kernelOf(fault.host).steal()
        this.#touched(fault.host)
        break
    }
  }

  #track(host: number, result: TrackerResult, lasts: number): void {
    const director = this.#directors[host]
    director?.track(result)
    const { configs } = this.#run.site.directors[host] ?? { configs: [] }
    const healthy = healthyResults(configs).find((each) => trackerKey(each) === trackerKey(result))
    if (healthy !== undefined) this.#afterwards(lasts, () => director?.track(healthy))
  }

  #losePower(host: number, lasts: number): void {
    if (this.#off.has(host)) return
    this.#off.add(host)
    this.#directors[host]?.kill({ releases: false })
    this.#kernelOf(host).reboot()
    this.#touched(host)
    this.#afterwards(lasts, () => {
      this.#off.delete(host)
      this.#start(host)
    })
  }

  #slow(host: number, by: number, lasts: number): void {
    const process = this.#directors[host]?.process
    if (process === undefined) return
    process.slow(by)
    this.#judge.look(host)
    this.#afterwards(lasts, () => process.slow(0))
  }

  #plug(host: number, device: string, up: boolean): void {
    const key = `${host} ${device}`
    const pulled = (this.#pulled.get(key) ?? 0) + (up ? -1 : 1)
    this.#pulled.set(key, pulled)
    if (pulled !== (up ? 0 : 1)) return // it is still without a carrier, or was already
    const segment = this.#network.segmentOf(host, device)
    this.#kernelOf(host).plug(device, up)
    if (segment !== undefined) this.#network.plug(host, segment, up, this.#now)
    this.#network.look(this.#now)
    this.#touched(host)
  }

  #weather(kind: 'lossy' | 'doubling' | 'jitter', amount: number, lasts: number): void {
    const { weather } = this.#network
    weather[kind] += amount
    this.#network.look(this.#now)
    this.#afterwards(lasts, () => (weather[kind] -= amount))
  }

  #violated(violation: Violation): void {
    if (this.#violations.length >= MOST_VIOLATIONS) return
    this.#violations.push({ ...violation, at: this.#calendar })
    this.#history.end(this.#calendar, `What must never be: ${violation.text}`)
  }

  #tell(text: string): void {
    this.#history.tell(this.#calendar, text)
  }

  #nameOf(host: number): string {
    return this.#run.site.directors[host]?.name ?? ''
  }

  #kernelOf(host: number): Kernel {
    const kernel = this.#kernels[host]
    if (kernel === undefined) throw new Error(`there is no host ${host}`)
    return kernel
  }
}

/** The longest that any configuration waits for anything without a word, in ms. */
function longestWait({ directors }: Site): number {
  const waits = directors.flatMap(({ configs }) =>
    configs.flatMap(({ instances, linkDelays }) => [
      ...instances.map(({ advertInt, preemptDelay, garp }) => 10 * advertInt + preemptDelay + garp.delay),
      ...linkDelays.map(({ up, down }) => up + down),
    ]),
  )
  return Math.max(0, ...waits)
}
