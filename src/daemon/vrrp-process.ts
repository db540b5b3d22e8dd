import type { Logger } from 'pino'
import type { VrrpInstance } from '../config/model.ts'
import { SystemError } from '../linux/libc.ts'
import { Poller } from '../linux/poller.ts'
import { becomeRealtime } from '../linux/process.ts'
import { type InterfaceAddress, type Link, NetworkChanges, Rtnetlink } from '../linux/rtnetlink.ts'
import { ignoreSignals } from '../linux/signals.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import { type Millis, millis } from '../time.ts'
import { type Effect, emptyEngine, type EngineState, type Event, nextDeadline, step } from '../vrrp/engine.ts'
import { receive } from '../vrrp/receive.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from './log.ts'
import type { FromVrrp, ToVrrp } from './messages.ts'
import { InstanceRecords } from './instance-records.ts'
import { PULSES, startPulse } from './pulse.ts'

/** How often the parent gets fresh counters. Changes of state are sent at once. */
const REPORT_EVERY = millis(1000)

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
  readonly #reports = setInterval(() => this.#report(), REPORT_EVERY)
  /**
   * Instances whose addresses a crashed daemon has left on this host. They stay until a master is heard: if the peer has
   * taken over that is one interval, and if there is none, nobody loses the addresses for a down interval.
   */
  readonly #leftovers = new Set<string>()
  #state: EngineState = emptyEngine
  #timer: NodeJS.Timeout | undefined
  #isReporting = false
  #isReportDue = false

  constructor(log: Logger) {
    this.#log = log
    const onError = (error: Error) => log.error(error.message)
    this.#addresses = new Addresses(this.#rtnetlink, onError)
    this.#advertiser = new Advertiser(onError)
  }

  configure(message: Extract<ToVrrp, { type: 'configure' }>): void {
    if (this.#state.members.size === 0) for (const { name } of message.instances) this.#leftovers.add(name)
    this.#dispatch({ type: 'configure', instances: message.instances, groups: message.groups })
    const links = this.#rtnetlink.links()
    this.#addresses.follow(links)
    this.#followLinks(links)
    if (message.adopt.length > 0) this.#dispatch({ type: 'adopt', instances: message.adopt })
    this.#report()
  }

  stop(): void {
    this.#dispatch({ type: 'stop' })
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
    if (this.#changes.drain()) this.#followLinks(this.#rtnetlink.links())
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
      if (advert.priority > 0 && this.#leftovers.delete(instance.name)) this.#addresses.release(instance)
      this.#dispatch({
        type: 'advert',
        instance: instance.name,
        source: header.source,
        priority: advert.priority,
        interval: advert.interval,
      })
    }
  }

  #followLinks(links: readonly Link[]): void {
    const present = this.#rtnetlink.addresses()
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
    for (const address of this.#addresses.restore(present)) {
      this.#log.warn({ address: address.address }, 'virtual address was removed by somebody else; added again')
      this.#addresses.announceOne(address, 1)
    }
    for (const name of names) {
      const link = links.find((candidate) => candidate.name === name)
      const source = link === undefined ? undefined : this.#sourceAddress(link, present)
      this.#dispatch({ type: 'link', interface: name, link: { up: link?.up ?? false, source } })
    }
  }

  /** The configured source if the host has it, else the first address of the interface that is not a virtual one. */
  #sourceAddress(link: Link, present: readonly InterfaceAddress[]): Ipv4 | undefined {
    const instances = this.#instances()
    const virtual = new Set(
      instances.flatMap((instance) => [...instance.addresses, ...instance.excludedAddresses].map((a) => a.address)),
    )
    const configured = instances.find((instance) => instance.interface === link.name)?.source
    if (configured !== undefined) return present.find(({ address }) => address === configured)?.address
    const own = present.filter(({ index }) => index === link.index)
    const owner = instances.some((instance) => instance.interface === link.name && instance.priority === 255)
    return (own.find(({ address, primary }) => primary && !virtual.has(address)) ?? (owner ? own[0] : undefined))
      ?.address
  }

  #dispatch(event: Event): void {
    const now = clock()
    const { state, effects } = step(this.#state, event, now)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    if (effects.some(({ type }) => type === 'transition')) this.#report()
    clearTimeout(this.#timer)
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

  #carryOut(effect: Effect): void {
    const { instance } = effect
    switch (effect.type) {
      case 'advertise':
        this.#advertiser.send(instance, effect.source, effect.priority)
        this.#records.sent(instance)
        if (effect.priority === 0) this.#log.info({ instance: instance.name }, `(${instance.name}) sent 0 priority`)
        break
      case 'acquire':
        this.#addresses.acquire(instance)
        break
      case 'release':
        this.#addresses.release(instance)
        break
      case 'announce':
        this.#addresses.announce(instance)
        break
      case 'transition': {
        const { from, to, reason } = effect
        this.#records.moved(instance, reason)
        if (to === 'master') this.#leftovers.delete(instance.name)
        if ((to === 'fault' || to === 'init') && this.#leftovers.delete(instance.name))
          this.#addresses.release(instance)
        const entering = to === 'init' ? 'Stopped' : `Entering ${to.toUpperCase()} STATE`
        // A stop is asked for; a master that is lost otherwise, and a fault, somebody should look at.
        const level = to !== 'init' && (from === 'master' || to === 'fault') ? 'warn' : 'info'
        this.#log[level]({ instance: instance.name, from, to, reason }, `(${instance.name}) ${entering}: ${reason}`)
        break
      }
      case 'rival': {
        const { source, priority } = effect
        this.#log.warn(
          { instance: instance.name, source, priority },
          `(${instance.name}) Received advert from ${source} with lower priority ${priority}, ours ${instance.priority}`,
        )
        break
      }
    }
  }

  /** While the director does not listen, one report waits; what it has missed it gets as it is then. */
  #report(): void {
    this.#isReportDue = this.#isReporting
    if (this.#isReporting) return
    this.#isReporting = true
    send({ type: 'instances', instances: this.#records.snapshot(this.#state) }, () => {
      this.#isReporting = false
      if (this.#isReportDue) this.#report()
    })
  }
}

const clock = (): Millis => millis(performance.now())

function send(message: FromVrrp, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent)
}

// Only the parent decides: signals of a terminal go to the whole group.
ignoreSignals()
const log = await createLog('vrrp', process.argv[2] ?? '')
endOnUnexpectedErrors(log)
const vrrp = new VrrpProcess(log)
const notRealtime = becomeRealtime()
if (notRealtime !== undefined) log.info(`running without real-time priority: ${notRealtime.message}`)

async function leave(): Promise<void> {
  vrrp.stop()
  send({ type: 'stopped' })
  await flushLog(log)
  process.exit()
}

startPulse(PULSES.vrrp)
process.on('message', (message: ToVrrp) => {
  switch (message.type) {
    case 'configure':
      vrrp.configure(message)
      break
    case 'stop':
      void leave()
      break
  }
})
process.on('disconnect', () => {
  log.error('the director process is gone; leaving')
  void leave()
})
