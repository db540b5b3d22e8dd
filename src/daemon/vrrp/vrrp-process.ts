import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { TrackerResult } from '../../model/tracking.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import { SystemError } from '../../linux/libc.ts'
import { Poller } from '../../linux/poller.ts'
import { becomeRealtime } from '../../linux/process.ts'
import { NetworkChanges } from '../../linux/network-changes.ts'
import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { ignoreSignals } from '../../linux/signals.ts'
import { type Millis, millis } from '../../time.ts'
import { isFinished, nextDeadline, step } from '../../vrrp/engine.ts'
import { receive } from '../../vrrp/receive.ts'
import type { Effect } from '../../vrrp/effect.ts'
import { emptyEngine, type EngineState, type Event } from '../../vrrp/state.ts'
import { AddressMemory } from './address-memory.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'
import { countsByType } from '../../model/counts-by-type.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../log.ts'
import type { FromVrrp, InstanceNews, ToVrrp } from '../messages.ts'
import { effectText, eventText } from './debug-lines.ts'
import { InstanceRecords } from './instance-records.ts'
import { interfacesOf } from './interfaces.ts'
import { advertLine, groupLines, priorityLines } from './keepalived-lines.ts'
import { Outbox } from './outbox.ts'
import { PULSES, startPulse } from '../pulse.ts'

/** How often the parent gets fresh counters. Changes of state are sent at once. */
const REPORT_EVERY = millis(1000)

/** How long this process keeps its role without a director, when it is to be replaced and its successor does not come. */
const ALONE = millis(15_000)

/** How long the director may take to hear the last of this process. */
const LAST_WORDS = millis(500)

/** setTimeout's limit, in case nothing is due for longer. */
const LONGEST_WAIT = millis(2 ** 31 - 1)

/** The vrrp process: the one place that has clock, sockets and addresses. It feeds the engine and does what it says. */
class VrrpProcess {
  readonly #log: Logger
  readonly #rtnetlink = new Rtnetlink()
  readonly #changes = new NetworkChanges()
  readonly #addresses: Addresses
  readonly #advertiser: Advertiser
  readonly #records = new InstanceRecords()
  readonly #poller = new Poller(() => this.#readable())
  readonly #outbox = new Outbox(send, () => ({ type: 'instances', instances: this.#records.snapshot(this.#state) }))
  readonly #reports = setInterval(() => this.#outbox.report(), REPORT_EVERY)
  /** Called when everything is given up. */
  #onFinished: () => void = () => {}
  #state: EngineState = emptyEngine
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger, name: string) {
    this.#log = log
    const onError = (error: Error) => log.error(error.message)
    const memory = new AddressMemory(name, (error) => log.warn(error.message))
    this.#addresses = new Addresses(this.#rtnetlink, memory, onError)
    this.#advertiser = new Advertiser(onError)
    this.#addresses.follow(this.#rtnetlink.links())
    this.#dispatch({ type: 'inherit', addresses: this.#addresses.remembered(this.#rtnetlink.addresses()) })
  }

  configure(message: Extract<ToVrrp, { type: 'configure' }>): void {
    const { instances, groups, linkDelays, trackers: results, adopt, before = [] } = message
    this.#addresses.follow(this.#rtnetlink.links())
    this.#records.follow(this.#instances(), instances)
    this.#dispatch({ type: 'configure', instances, groups, linkDelays, results })
    this.#followNetwork()
    if (adopt.length > 0 || before.length > 0) this.#dispatch({ type: 'adopt', masters: adopt, known: before })
    this.#records.restore(before, this.#state)
    this.#outbox.adopted()
    this.#outbox.report()
  }

  track(results: readonly TrackerResult[]): void {
    this.#dispatch({ type: 'trackers', results })
  }

  clearCounters(): void {
    this.#records.clear()
    this.#outbox.report()
  }

  /** From now on the director may vanish without this process leaving, for a while. */
  handOver(): void {
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
    // A director that does not listen will not hear it later, either.
    if (process.connected) await Promise.race([this.#outbox.empty(), sleep(LAST_WORDS)])
    clearTimeout(this.#timer)
    clearInterval(this.#reports)
    this.#poller.close()
    this.#changes.close()
    this.#advertiser.close()
    this.#addresses.close()
    this.#rtnetlink.close()
  }

  #instances(): VrrpInstance[] {
    return [...this.#state.members.values()].map(({ config }) => config)
  }

  #readable(): void {
    const changes = this.#changes.drain()
    if (changes.length > 0) {
      this.#log.debug(`netlink: ${countsByType(changes)}`)
      this.#followNetwork()
    }
    this.#drainSockets()
  }

  /** Reads everything that waits, so that a late timer cannot overrule an advert that has long been here. */
  #drainSockets(): void {
    for (const { interface: name, packet } of this.#advertiser.receive()) {
      const here = this.#instances().filter((instance) => instance.interface === name)
      const received = receive(packet, here)
      const isNews = this.#records.received(received)
      if ('drop' in received) {
        const { drop, instance, header } = received
        const line = { instance: instance?.name, source: header?.source, drop }
        if (isNews) this.#log.warn(line, `(${instance?.name}) advert from ${header?.source} is refused: ${drop}`)
        continue
      }
      const { instance, header, advert } = received
      const member = this.#state.members.get(instance.name)
      const line = member && advertLine(member, header.source, advert.priority)
      if (line !== undefined) this.#log.info({ instance: instance.name, source: header.source }, line)
      this.#dispatch({
        type: 'advert',
        instance: instance.name,
        source: header.source,
        priority: advert.priority,
        interval: advert.interval,
      })
    }
  }

  #followNetwork(): void {
    const links = this.#rtnetlink.links()
    const interfaces = interfacesOf(links, this.#rtnetlink.addresses())
    const names = new Set(this.#instances().map((instance) => instance.interface))
    try {
      this.#advertiser.follow(links.filter(({ name }) => names.has(name)))
    } catch (error) {
      // An interface that vanished just now: its removal is the next change.
      if (!(error instanceof SystemError)) throw error
      this.#log.error(error.message)
    }
    this.#poller.watch([this.#changes.fd, ...this.#advertiser.fds])
    this.#addresses.follow(links)
    this.#dispatch({ type: 'network', interfaces })
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
    for (const effect of effects) this.#carryOut(effect, at)
    // What comes often changes no priority.
    if (event.type !== 'advert' && event.type !== 'deadline') {
      for (const line of priorityLines(before, state)) this.#log.info(line)
    }
    if (effects.some(({ type }) => type === 'transition')) {
      for (const line of groupLines(before, state)) this.#log.info(line)
    }
    const news = effects.flatMap((effect) => this.#newsOf(effect, at) ?? [])
    for (const each of news) this.#outbox.tell(each)
    if (news.length > 0) this.#outbox.report()
    clearTimeout(this.#timer)
    if (isFinished(state)) {
      this.#onFinished()
      return
    }
    const next = nextDeadline(state)
    if (next === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#drainSockets()
        this.#dispatch({ type: 'deadline' })
      },
      Math.min(Math.max(0, next - clock()), LONGEST_WAIT),
    )
  }

  /** What the director is told of an effect. `at`: in ms since the epoch. */
  #newsOf(effect: Effect, at: number): InstanceNews | undefined {
    if (effect.type !== 'transition' && effect.type !== 'priority' && effect.type !== 'rival') return undefined
    const { name, interface: device, vrid, priority: configured } = effect.instance
    const instance = { name, interface: device, vrid }
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

  /** `at`: in ms since the epoch. */
  #carryOut(effect: Effect, at: number): void {
    switch (effect.type) {
      case 'advertise': {
        const { instance, source, priority } = effect
        this.#advertiser.send(instance, source, priority)
        this.#records.sent(instance, priority)
        if (priority === 0) this.#log.info({ instance: instance.name }, `(${instance.name}) sent 0 priority`)
        break
      }
      case 'add':
        this.#addresses.add(effect.addresses)
        break
      case 'remove':
        this.#addresses.remove(effect.addresses, effect.scope)
        this.#addresses.repair([...this.#state.held.values()])
        break
      case 'expire': {
        this.#addresses.expire(effect.addresses, effect.after)
        const addresses = effect.addresses.map(({ address }) => `${address.address}/${address.prefix}`)
        const ms = effect.after
        this.#log.info({ addresses, ms }, `without another master the addresses stay for ${Math.ceil(ms / 1000)} s`)
        break
      }
      case 'restore':
        this.#addresses.add(effect.addresses)
        for (const { address } of effect.addresses) {
          this.#log.warn({ address: address.address }, 'virtual address was removed by another program; added again')
          this.#addresses.announceOne(address, 1)
        }
        break
      case 'announce':
        this.#addresses.announce(effect.instance)
        break
      case 'introduce':
        this.#addresses.introduce(effect.instance, effect.source)
        break
      case 'transition': {
        const { instance, from, to, reason } = effect
        this.#records.moved(instance, from, to, at)
        const entering = to === 'init' ? 'Stopped' : `Entering ${to.toUpperCase()} STATE`
        // A stop is asked for; a master that is lost otherwise, and a fault, somebody should look at.
        const level = to !== 'init' && (from === 'master' || to === 'fault') ? 'warn' : 'info'
        this.#log[level]({ instance: instance.name, from, to, reason }, `(${instance.name}) ${entering}: ${reason}`)
        break
      }
      case 'priority':
        break // that of an instance in any state is in the log, see `priorityLines`
      case 'rival': {
        const { instance, source, priority, own } = effect
        this.#log.warn(
          { instance: instance.name, source, priority },
          `(${instance.name}) Received advert from ${source} with lower priority ${priority}, ours ${own}, forcing new election`,
        )
        break
      }
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
      vrrp.configure(message)
      break
    case 'clear-counters':
      vrrp.clearCounters()
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
