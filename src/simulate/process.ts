import type { TrackerResult } from '../model/tracking.ts'
import type { RouterIdentity, VrrpInstance } from '../model/vrrp.ts'
import type { Duties } from '../model/duty.ts'
import { type Millis, millis } from '../time.ts'
import { Sequences } from '../vrrp/auth/sequences.ts'
import type { Effect, Step } from '../vrrp/effect.ts'
import { isFinished, nextDeadline, step } from '../vrrp/engine.ts'
import { type Routers, routersOf } from '../vrrp/routers.ts'
import { emptyEngine, type EngineState, type Event, type HostAddress, type KnownReason } from '../vrrp/state.ts'
import type { Kernel } from './kernel.ts'
import type { ElectionConfig } from './setup.ts'
import { type Packet, packetsOf, receiveOnce } from './wire.ts'

/** What a process does to the world around it, and is told by it. */
export interface Surroundings {
  readonly kernel: Kernel
  now(): Millis
  /** Has something happen at a time: timers and wake-ups, which nothing but the process waits for. */
  at(time: number, what: () => void): void
  /** From 0 to 1. */
  chance(): number
  send(device: string, packet: Packet): void
  introduce(instance: VrrpInstance): void
  stepped(event: Event, before: EngineState, result: Step): void
  /** Everything is given up. */
  finished(): void
}

/** BOUNDED: what fits into a socket's receive buffer of 1 MiB at 768 bytes for each small packet (Linux `truesize`). */
const INBOX_LIMIT = 1365

/** setTimeout counts in whole milliseconds and fires at most so much later on an idle machine. */
const TIMER_GRAIN = 1

/**
 * A vrrp process as `daemon/vrrp/vrrp-process.ts` is one: one event at a time, netlink before sockets, sockets before a timer,
 * effects in their order. It may stand still (no processor) or wake late.
 */
export class VrrpProcess {
  readonly #around: Surroundings
  state: EngineState = emptyEngine
  readonly #sequences = new Sequences()
  /** The same ones from one configuration to the next. */
  #routers: Routers = routersOf([])
  #devices: ReadonlySet<string> = new Set()
  #inbox: { readonly device: string; readonly packet: Packet; readonly receivedAt: Millis }[] = []
  #isGone = false
  isFrozen = false
  /** How late it wakes at most, in ms. */
  #lag = 0
  #dueAt = Number.POSITIVE_INFINITY
  #wakesAt = Number.POSITIVE_INFINITY
  #isReading = false

  constructor(around: Surroundings) {
    this.#around = around
    this.#dispatch({ type: 'inherit', addresses: around.kernel.remembered() })
  }

  /** Killed. */
  end(): void {
    this.#isGone = true
    this.#inbox = []
  }

  get isRunning(): boolean {
    return !this.#isGone && !this.isFrozen
  }

  configure(
    { instances, syncGroups: groups, linkDelays }: ElectionConfig,
    results: readonly TrackerResult[],
    duties: Duties,
    { masters, known }: { readonly masters: readonly RouterIdentity[]; readonly known: readonly KnownReason[] },
  ): void {
    this.#dispatch({ type: 'configure', instances, groups, linkDelays, results, duties, checked: true })
    // With those that have left the configuration, and wait for their successors.
    const all = [...this.state.members.values()].map(({ config }) => config)
    this.#routers = routersOf(all)
    this.#devices = new Set(all.map((each) => each.interface))
    this.#sequences.keep(new Set(all.map(({ name }) => name)))
    this.#followNetwork()
    if (masters.length > 0 || known.length > 0) this.#dispatch({ type: 'adopt', masters, known })
  }

  /** A message of the director. */
  tell(event: Extract<Event, { type: 'trackers' | 'yield' | 'resume' | 'hand-over' | 'stop' }>): void {
    this.#dispatch(event)
  }

  /** The kernel has a packet for it. */
  deliver(device: string, packet: Packet): void {
    if (this.#isGone || !this.#devices.has(device) || this.#inbox.length >= INBOX_LIMIT) return
    this.#inbox.push({ device, packet, receivedAt: this.#around.now() })
    this.#wake()
  }

  /** The kernel has news of the network. */
  networkChanged(): void {
    this.#wake()
  }

  get lag(): number {
    return this.#lag
  }

  /** From now on it wakes up to so many ms late; 0: in time, and it wakes at once. */
  slow(by: number): void {
    this.#lag = by
    if (by > 0) return
    this.#isReading = false
    if (this.isRunning) this.#setTimer()
    this.#wake()
  }

  freeze(): void {
    this.isFrozen = true
  }

  /** Timers come before sockets in an event loop. */
  thaw(): void {
    this.isFrozen = false
    if (this.#dueAt <= this.#around.now()) this.#timeout()
    else if (this.#dueAt < this.#wakesAt) this.#ring() // an alarm that came too early has passed meanwhile
    this.#wake()
  }

  #wake(): void {
    if (this.#isGone || this.isFrozen || this.#isReading) return
    if (this.#lag === 0) {
      this.#readable()
      return
    }
    this.#isReading = true
    this.#around.at(this.#around.now() + this.#lag * this.#around.chance(), () => {
      this.#isReading = false
      if (!this.isRunning) return
      this.#readable()
    })
  }

  #readable(): void {
    if (this.#around.kernel.hasNews) this.#followNetwork()
    this.#drain()
  }

  /** Reads everything that waits, so that a late timer cannot overrule an advert that has long been here. */
  #drain(): void {
    while (!this.#isGone) {
      const next = this.#inbox.shift()
      if (next === undefined) return
      const { packet, device, receivedAt } = next
      const received = receiveOnce(packet, device, this.#routers, this.#sequences, epochOf(this.#around.now()))
      if ('drop' in received) continue
      const { instance, arrival, advert } = received
      const { priority, interval } = advert
      this.#dispatch({
        type: 'advert',
        instance: instance.name,
        source: arrival.source,
        priority,
        interval,
        receivedAt,
      })
    }
  }

  #followNetwork(): void {
    Object.assign(this.#around.kernel, { hasNews: false, isTampered: false })
    this.#dispatch({ type: 'network', interfaces: this.#around.kernel.interfaces() })
  }

  #dispatch(event: Event): void {
    if (this.#isGone) return
    const before = this.state
    const result = step(before, event, this.#around.now())
    this.state = result.state
    for (const effect of result.effects) this.#carryOut(effect)
    this.#around.stepped(event, before, result)
    if (isFinished(this.state)) {
      this.#around.finished()
      return
    }
    this.#setTimer()
    // The kernel tells of what this process has done to the addresses, too: read in the loop's next turn.
    if (this.#around.kernel.hasNews && event.type !== 'inherit') {
      this.#around.at(this.#around.now(), () => {
        if (this.#around.kernel.hasNews) this.#wake()
      })
    }
  }

  #setTimer(): void {
    const next = nextDeadline(this.state)
    const now = this.#around.now()
    const wait = Math.max(TIMER_GRAIN, Math.trunc((next ?? Number.POSITIVE_INFINITY) - now))
    this.#dueAt = now + wait + (TIMER_GRAIN + this.#lag) * this.#around.chance()
    if (this.#dueAt < this.#wakesAt) this.#ring()
  }

  /** One alarm at a time: one that comes too early is set again. */
  #ring(): void {
    const at = this.#dueAt
    if (at === Number.POSITIVE_INFINITY) return
    this.#wakesAt = at
    this.#around.at(at, () => {
      if (this.#isGone || this.#wakesAt !== at) return
      this.#wakesAt = Number.POSITIVE_INFINITY
      if (this.isFrozen) return
      if (this.#dueAt <= this.#around.now()) this.#timeout()
      else this.#ring()
    })
  }

  #timeout(): void {
    this.#drain()
    const due = nextDeadline(this.state)
    if (due !== undefined && due <= this.#around.now()) this.#dispatch({ type: 'deadline' })
    else this.#setTimer()
  }

  #carryOut(effect: Effect): void {
    const { kernel } = this.#around
    switch (effect.type) {
      case 'advertise':
        this.#send(effect.instance, effect.source, effect.priority)
        break
      case 'add':
      case 'restore':
        kernel.add(effect.addresses, this.#around.now())
        break
      case 'renew':
        kernel.renew(effect.addresses, this.#around.now())
        break
      case 'expire':
        kernel.expire(effect.addresses, this.#around.now(), effect.after)
        break
      case 'remove':
        kernel.remove(effect.addresses, effect.scope)
        break
      case 'introduce':
        this.#around.introduce(effect.instance)
        break
      case 'announce':
      case 'transition':
      case 'priority':
      case 'rival':
      case 'yielded':
      case 'resumed':
        break
      // No election hangs on routes and rules: the kernel of a simulation has none, and they are where they are wanted.
      case 'add-routing':
      case 'restore-routing':
      case 'abandon-routing':
      case 'remove-routing':
        break
    }
  }

  #send(instance: VrrpInstance, source: HostAddress['address'], priority: number): void {
    const epochMs = epochOf(this.#around.now())
    for (const packet of packetsOf(instance, source, priority, this.#sequences, epochMs))
      this.#around.send(instance.interface, packet)
  }
}

/** As the director takes what it knows of instances to the next process. */
export const knownOf = ({ members }: EngineState): readonly KnownReason[] =>
  [...members.values()].map(({ config: { name, interface: device, family, vrid }, state, reason }) => ({
    name,
    interface: device,
    family,
    vrid,
    state: state.name,
    reason,
  }))

/** The time of day, which all hosts agree on, in ms since the epoch: a run begins in 2026. */
export const epochOf = (now: Millis): number => Math.floor(1_767_225_600_000 + now)

/** How long the code around a timer or a packet takes at most when nobody else wants the processor, in ms. */
export const PROMPT = millis(2 * TIMER_GRAIN)
