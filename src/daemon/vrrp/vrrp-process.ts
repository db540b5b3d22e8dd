import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { TrackerResult } from '../../model/tracking.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import { Poller } from '../../linux/poller.ts'
import { becomeRealtime, LOWEST_REALTIME_PRIORITY } from '../../linux/process.ts'
import type { InterfaceAddress } from '../../linux/address-message.ts'
import { KnownAddresses } from '../../linux/known-addresses.ts'
import { NetworkChanges } from '../../linux/network-changes.ts'
import { type Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { ignoreSignals } from '../../linux/signals.ts'
import { type Millis, millis } from '../../time.ts'
import { isFinished, nextDeadline, step } from '../../vrrp/engine.ts'
import { Sequences } from '../../vrrp/auth/sequences.ts'
import type { Effect } from '../../vrrp/effect.ts'
import { emptyEngine, type EngineState, type Event } from '../../vrrp/state.ts'
import { AddressMemory } from './address-memory.ts'
import { Addresses } from './addresses.ts'
import { Advertiser, type TimedArrival } from './advertiser.ts'
import { Announcer } from './announcer.ts'
import { BfdSessions } from './bfd-sessions.ts'
import { countsByType } from '../../model/counts-by-type.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../log.ts'
import type { FromVrrp, InstanceNews, RoleAnswer, TakenAway, ToVrrp } from '../messages.ts'
import { effectText, eventText } from './debug-lines.ts'
import { Duals } from './duals.ts'
import { Hands } from './hands.ts'
import { HostRouting } from './host-routing.ts'
import { InstanceRecords } from './instance-records.ts'
import { interfacesOf } from './interfaces.ts'
import { Lateness } from './lateness.ts'
import { advertLine, groupLines, priorityLines, trackedBfdLines } from './keepalived-lines.ts'
import { LossReport } from './loss-report.ts'
import { NeighbourMacs } from './neighbour-macs.ts'
import { Outbox } from './outbox.ts'
import { Promotion } from './promotion.ts'
import { takenAway } from './taken-away.ts'
import { Reception } from './reception.ts'
import { VirtualLinks } from './virtual-links.ts'
import { keepInMemory, ProcessTuner } from '../process-tuner.ts'
import { PULSES, startPulse } from '../pulse.ts'
import { RoutingMemory } from './routing-memory.ts'
import { staticSnapshot } from './routing-snapshot.ts'

/** How often the parent gets fresh counters. Changes of state are sent at once. */
const REPORT_EVERY = millis(1000)

/** How often packets are looked at that are for nobody here. */
const STRAYS_EVERY = millis(200)

/** How long this process keeps its role without a director, when it is to be replaced and its successor does not come. */
const ALONE = millis(15_000)

/** How long the director may take to hear the last of this process. */
const LAST_WORDS = millis(500)

/**
 * What comes in a stream is read once in that time, and counts from when it came all the same. More than 125 adverts a second are one; those
 * of one instance every 10 ms are none.
 */
const READ_AGAIN_AFTER = millis(4)

/** setTimeout's limit, in case nothing is due for longer. */
const LONGEST_WAIT = millis(2 ** 31 - 1)

/** The vrrp process: the one place that has clock, sockets and addresses. It feeds the engine and does what it says. */
class VrrpProcess {
  readonly #log: Logger
  readonly #rtnetlink = new Rtnetlink()
  readonly #changes = new NetworkChanges()
  readonly #known = new KnownAddresses()
  readonly #addresses: Addresses
  readonly #routing: HostRouting
  readonly #announcer: Announcer
  readonly #hands: Hands
  readonly #promotion: Promotion
  readonly #advertiser: Advertiser
  readonly #virtualLinks: VirtualLinks
  readonly #sequences = new Sequences()
  readonly #records = new InstanceRecords()
  readonly #reception: Reception
  readonly #poller = new Poller(() => this.#readable(), READ_AGAIN_AFTER)
  readonly #lateness = new Lateness()
  readonly #duals = new Duals()
  readonly #bfd: BfdSessions
  readonly #outbox = new Outbox(send, () => this.#report())
  readonly #reports = setInterval(() => this.#outbox.report(), REPORT_EVERY)
  readonly #losses: LossReport
  readonly #strays = setInterval(() => this.#takeStrays(), STRAYS_EVERY)
  /** Called when everything is given up. */
  #onFinished: () => void = () => {}
  #state: EngineState = emptyEngine
  /** Set for when something is due, or for before: a deadline that moves away is looked at again when the timer is there. */
  #timer: { readonly at: Millis; readonly timeout: NodeJS.Timeout } | undefined

  constructor(log: Logger, name: string) {
    this.#log = log
    const onError = (error: Error) => log.error(error.message)
    const memory = new AddressMemory(name, (error) => log.warn(error.message))
    this.#addresses = new Addresses(this.#rtnetlink, memory, onError)
    this.#routing = new HostRouting(new RoutingMemory(name, (error) => log.warn(error.message)), onError)
    this.#announcer = new Announcer((address) => this.#addresses.sayWhere(address))
    this.#promotion = new Promotion(this.#rtnetlink, onError)
    this.#advertiser = new Advertiser(onError, this.#sequences, 'speaks and listens')
    this.#hands = new Hands({
      log,
      addresses: this.#addresses,
      routing: this.#routing,
      advertiser: this.#advertiser,
      announcer: this.#announcer,
      records: this.#records,
    })
    this.#losses = new LossReport((line) => log.warn(line))
    const priorityOf = (instance: string) => this.#state.members.get(instance)?.priority
    const macOf = new NeighbourMacs(this.#rtnetlink, onError).macOf
    this.#reception = new Reception(log, this.#records, this.#sequences, { priorityOf, macOf })
    this.#virtualLinks = new VirtualLinks(this.#rtnetlink, name, onError)
    this.#bfd = new BfdSessions(
      log,
      () => this.#outbox.report(),
      (results) => this.track(results),
    )
    const present = this.#rtnetlink.addresses()
    this.#followLinks(this.#rtnetlink.links(), present)
    const addresses = this.#addresses.remembered(present)
    this.#dispatch({ type: 'inherit', addresses, routing: this.#routing.remembered })
  }

  configure(message: Extract<ToVrrp, { type: 'configure' }>): void {
    const { instances, groups, linkDelays, logUnknownVrids, sessions, knownSessions, statics, trackers, adopt } =
      message
    const { before = [], duties, checked, pacing } = message
    this.#announcer.follow(pacing)
    this.#records.follow(this.#instances(), instances)
    // A new instance may speak at once.
    const spoken = [...this.#instances(), ...instances]
    const links = this.#virtualLinks.follow(spoken, this.#rtnetlink.links())
    this.#openSockets(links, spoken)
    this.#followLinks(links, this.#rtnetlink.addresses())
    this.#bfd.configure(sessions, knownSessions)
    const results = [...trackers, ...this.#bfd.results]
    const bootedAt = millis(clock() - 1000 * uptime())
    const asked = { duties, checked }
    this.#dispatch({ type: 'configure', instances, groups, linkDelays, results, statics, bootedAt, ...asked })
    this.#reception.configure(this.#instances(), logUnknownVrids)
    this.#duals.keep(new Set(this.#state.members.keys()))
    this.#followNetwork()
    if (adopt.length > 0 || before.length > 0) this.#dispatch({ type: 'adopt', masters: adopt, known: before })
    this.#records.restore(before, this.#state)
    this.#outbox.adopted()
    this.#outbox.report()
  }

  track(results: readonly TrackerResult[]): void {
    const before = this.#state
    this.#dispatch({ type: 'trackers', results })
    for (const line of trackedBfdLines(before, this.#state)) this.#log.info(line)
  }

  /** What an operator, or the director, wants of the roles. */
  direct(event: Extract<ToVrrp, { type: 'yield' | 'resume' | 'checked' }>): void {
    this.#dispatch(event)
    this.#outbox.report()
  }

  clearCounters(): void {
    this.#records.clear()
    this.#duals.clear()
    this.#bfd.clearCounters()
    this.#outbox.report()
  }

  /** From now on the director may vanish without this process leaving, for a while. */
  handOver(): void {
    this.#bfd.handOver()
    this.#dispatch({ type: 'hand-over' })
  }

  get handingOver(): boolean {
    return this.#state.handingOver
  }

  /** Resolves when all roles are given up, and it is settled who has the addresses: at most 2.5 s later. */
  async stop(keepAddresses: boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve
      this.#dispatch({ type: 'stop', keepAddresses })
    })
    // Last: a peer that is in fault without its session to here would not take over.
    this.#bfd.close()
    // A director that does not listen will not hear it later, either.
    if (process.connected) await Promise.race([this.#outbox.empty(), sleep(LAST_WORDS)])
    clearTimeout(this.#timer?.timeout)
    clearInterval(this.#reports)
    clearInterval(this.#strays)
    this.#poller.close()
    this.#changes.close()
    this.#advertiser.close()
    this.#announcer.close()
    this.#addresses.close()
    this.#virtualLinks.close()
    this.#routing.close()
    this.#rtnetlink.close()
  }

  #report(): FromVrrp {
    const free = (instance: VrrpInstance) => this.#reception.freeVrid(instance)
    const instances = this.#records.snapshot(this.#state, free).map((each) => {
      const dual = this.#duals.snapshot(each.name, performance.timeOrigin)
      return dual === undefined ? each : { ...each, dual }
    })
    const { unknownVrids } = this.#reception
    const { snapshot: sessions } = this.#bfd
    const staticObjects = staticSnapshot(this.#state)
    return { type: 'instances', instances, sessions, staticObjects, lateness: this.#lateness.snapshot, unknownVrids }
  }

  #instances(): VrrpInstance[] {
    return [...this.#state.members.values()].map(({ config }) => config)
  }

  #readable(): void {
    const changes = this.#changes.drain().filter((change) => this.#known.isNews(change))
    if (changes.length > 0) {
      this.#log.debug(`netlink: ${countsByType(changes)}`)
      this.#followNetwork()
    }
    this.#drainSockets()
  }

  /** Reads everything that waits, so that a late timer cannot overrule an advert that has long been here. */
  #drainSockets(): void {
    for (const arrival of this.#advertiser.receive()) this.#take(arrival)
  }

  #take(arrival: TimedArrival): void {
    const accepted = this.#reception.take(arrival, clock(), Date.now())
    if (accepted === undefined) return
    const { instance, advert } = accepted
    const { source, receivedAt } = arrival
    const member = this.#state.members.get(instance.name)
    const line = member && advertLine(member, source, advert.priority)
    if (line !== undefined) this.#log.info({ instance: instance.name, source }, line)
    const { priority, interval } = advert
    this.#dispatch({ type: 'advert', instance: instance.name, source, priority, interval, receivedAt })
  }

  /** Looks at some of what is for nobody here. */
  #takeStrays(): void {
    for (const arrival of this.#advertiser.strays()) this.#take(arrival)
    for (const loss of this.#advertiser.losses()) this.#losses.add(loss)
  }

  #followNetwork(): void {
    const links = this.#virtualLinks.follow(this.#instances(), this.#rtnetlink.links())
    const present = this.#rtnetlink.addresses()
    this.#known.follow(present)
    const interfaces = interfacesOf(links, present)
    this.#openSockets(links, this.#instances())
    this.#promotion.follow(this.#instances(), links)
    this.#followLinks(links, present)
    this.#dispatch({ type: 'network', interfaces })
    this.#followRouting()
  }

  #followLinks(links: readonly Link[], present: readonly InterfaceAddress[]): void {
    this.#addresses.follow(links, present)
    this.#routing.follow(links)
  }

  /** With an address or a link the kernel removes routes, and of those of IPv4 it does not say so. */
  #followRouting(): void {
    const items = [...this.#state.routing.values()]
    const missing = items.length === 0 ? [] : this.#routing.missing(items)
    if (missing.length > 0 || this.#state.absent.size > 0) this.#dispatch({ type: 'routing', missing })
  }

  /** Has the sockets that these instances need, and no other. */
  #openSockets(links: readonly Link[], instances: readonly VrrpInstance[]): void {
    this.#advertiser.follow(links, instances)
    this.#advertiser.transmitBy(links)
    this.#poller.watch([this.#changes.fd, ...this.#advertiser.fds])
  }

  #dispatch(event: Event): void {
    const now = clock()
    const before = this.#state
    const { state, effects } = step(before, event, now)
    this.#state = state
    if (this.#log.isLevelEnabled('debug')) {
      this.#log.debug(`event ${eventText(event)}`)
      for (const effect of effects) this.#log.debug(`effect ${effectText(effect)}`)
    }
    const at = Date.now()
    const moves = effects.some(({ type }) => type === 'transition' || type === 'add' || type === 'remove')
    if (moves) this.#virtualLinks.raise(state)
    for (const effect of effects) this.#hands.carryOut(effect, state, at)
    if (moves && !state.stopped) this.#virtualLinks.lower(state)
    // What comes often changes no priority.
    if (event.type !== 'advert' && event.type !== 'deadline') {
      for (const line of priorityLines(before, state)) this.#log.info(line)
    }
    const moved = effects.flatMap((effect) => (effect.type === 'transition' ? [effect.instance.name] : []))
    for (const line of groupLines(moved, before, state)) this.#log.info(line)
    this.#followDuals(event, before, moved)
    const news = effects.flatMap((effect) => this.#newsOf(effect, at) ?? [])
    for (const each of news) this.#outbox.tell(each)
    if (news.length > 0) this.#outbox.report()
    if (isFinished(state)) {
      clearTimeout(this.#timer?.timeout)
      this.#onFinished()
    } else this.#awaitDeadline()
  }

  /** `moved`: the instances that are in another state than `before`. */
  #followDuals(event: Event, before: EngineState, moved: readonly string[]): void {
    const touched = event.type === 'advert' ? event.instance : undefined
    for (const { line, level } of this.#duals.follow(this.#state, touched)) this.#log[level](line)
    if (event.type !== 'advert' || !moved.includes(event.instance)) return
    if (before.members.get(event.instance)?.state.name !== 'master') return
    this.#log.info(this.#duals.yielded(event.instance, event.source, event.priority))
  }

  #awaitDeadline(): void {
    const at = nextDeadline(this.#state)
    if (at === undefined || (this.#timer !== undefined && this.#timer.at <= at)) return
    clearTimeout(this.#timer?.timeout)
    // A timer may come up to a millisecond early, and is then set again.
    const wait = Math.min(Math.max(0, at - clock()), LONGEST_WAIT)
    const due = millis(Math.max(at, clock()))
    this.#timer = { at, timeout: setTimeout(() => this.#meetDeadline(due), wait) }
  }

  /** `timerAt`: when the timer was to come. */
  #meetDeadline(timerAt: Millis): void {
    this.#timer = undefined
    const line = this.#lateness.count(timerAt, clock())
    if (line !== undefined) this.#log.warn(line)
    // Whoever could not run for long has to know what has become of its addresses, too.
    this.#readable()
    const due = nextDeadline(this.#state)
    if (due !== undefined && due <= clock()) this.#dispatch({ type: 'deadline' })
    else this.#awaitDeadline()
  }

  /** What the director is told of an effect. `at`: in ms since the epoch. */
  #newsOf(effect: Effect, at: number): InstanceNews | RoleAnswer | TakenAway | undefined {
    if (effect.type === 'yielded') return { type: 'yielded', instance: effect.instance.name, result: effect.result }
    if (effect.type === 'resumed') return { type: 'resumed', instance: effect.instance.name, result: effect.result }
    if (effect.type === 'restore' || effect.type === 'abandon-routing') return takenAway(effect, at)
    if (effect.type !== 'transition' && effect.type !== 'priority' && effect.type !== 'rival') return undefined
    const { name, interface: device, family, vrid, priority: configured } = effect.instance
    const instance = { name, interface: device, family, vrid }
    switch (effect.type) {
      case 'transition': {
        const { from, to, reason } = effect
        const priority = this.#state.members.get(name)?.priority ?? configured
        return { type: 'transition', instance, from, to, priority, reason, at }
      }
      case 'priority':
        return { type: 'priority', instance, state: effect.state, priority: effect.priority, at }
      case 'rival':
        return { type: 'lower-priority', instance, priority: effect.own, at }
    }
  }
}

const clock = (): Millis => millis(performance.now())

function send(message: FromVrrp, sent: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent)
}

// Only the parent decides: signals of a terminal go to the whole group.
ignoreSignals(['SIGTERM'])
const name = process.argv[2] ?? ''
const log = await createLog('vrrp', name)
endOnUnexpectedErrors(log)
const vrrp = new VrrpProcess(log, name)
const tuner = new ProcessTuner(log, LOWEST_REALTIME_PRIORITY)
const notRealtime = becomeRealtime()
if (notRealtime !== undefined) log.info(`running without real-time priority: ${notRealtime.message}`)

async function leave(keepAddresses: boolean): Promise<void> {
  await vrrp.stop(keepAddresses)
  await flushLog(log)
  process.exit()
}

startPulse(PULSES.vrrp)
process.on('message', (message: ToVrrp) => {
  switch (message.type) {
    case 'configure':
      tuner.tune(process.pid, message.process)
      keepInMemory(message.process.noSwap, log)
      vrrp.configure(message)
      break
    case 'clear-counters':
      vrrp.clearCounters()
      break
    case 'yield':
    case 'resume':
    case 'checked':
      vrrp.direct(message)
      break
    case 'hand-over':
      vrrp.handOver()
      break
    case 'trackers':
      vrrp.track(message.results)
      break
    case 'stop':
      void leave(message.keepAddresses)
      break
  }
})
process.on('SIGTERM', () => {
  if (vrrp.handingOver && !process.connected) void leave(true) // there is no parent to decide
})
process.on('disconnect', () => {
  if (vrrp.handingOver) {
    setTimeout(() => {
      log.error('no director has taken over; leaving')
      void leave(true)
    }, ALONE)
    return
  }
  log.error('the director process is gone; leaving')
  void leave(true)
})
