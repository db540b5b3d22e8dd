import type { Logger } from 'pino'
import type { ForwardPlan, PlannedService } from '../../balance/plan.ts'
import { readIcmpLimits } from '../../linux/icmp-limits.ts'
import type { NetworkChange } from '../../linux/network-changes.ts'
import type { Link } from '../../linux/rtnetlink.ts'
import type { Connection } from '../../model/connection.ts'
import { countsByType } from '../../model/counts-by-type.ts'
import type { CoreReading } from '../../model/core-reading.ts'
import type { Timeouts } from '../../model/ipvs.ts'
import type { Hops } from '../../model/next-hop.ts'
import type { OtherDirector } from '../../model/other-director.ts'
import { type ServiceId, serviceName } from '../../model/service.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Traced, TracePacket } from '../../model/trace.ts'
import type { Address } from '../../net/address.ts'
import type { Millis } from '../../time.ts'
import { type AttachedTo, type Backend, CoreFullError, type ForwardOptions, type KeptZeros } from '../backend.ts'
import { Core, type CoreOptions } from './core.ts'
import { Counting } from './counting.ts'
import type { Difference } from './difference.ts'
import { MARK_LINK, MarkRoute } from './mark-route.ts'
import { readCore } from './reading.ts'
import { closedAddresses, marksKey, marksOf } from './service-marks.ts'
import { traceFrame } from './trace.ts'

/** Forwards with the eBPF core, and brings packets to it: programs on links, and a way for those that a firewall has marked. */
export class EbpfBackend implements Backend {
  readonly #core: Core
  readonly #log: Logger
  readonly #markRoute = new MarkRoute()
  readonly #counting = new Counting()
  #options: ForwardOptions
  #links: readonly Link[] = []
  /** Those of the last plan that was carried out. */
  #services: readonly PlannedService[] = []
  /** Whether links, marks and switches are as configuration and network want them; and the marks by name. */
  #isAttached = false
  #marks = ''
  #markIfindex: number | undefined

  /** `name` tells directors on one machine apart; `zeros` are of the director before this one. Throws SystemError. */
  constructor(name: string, core: CoreOptions, options: ForwardOptions, zeros: KeptZeros | undefined, log: Logger) {
    this.#log = log
    this.#options = options
    this.#core = new Core(name, { ...core, log })
    if (this.#core.adopted) log.info('took over the running forwarding core')
    if (zeros !== undefined && this.#core.adopted) this.#counting.restore(zeros)
  }

  get adopted(): boolean {
    return this.#core.adopted
  }

  configure(options: ForwardOptions): void {
    this.#options = options
    this.#isAttached = false
  }

  setLinks(links: readonly Link[]): void {
    this.#links = links
    this.#isAttached = false
  }

  setOwnAddresses(addresses: Iterable<Address>): void {
    this.#core.ownAddresses.follow(addresses)
  }

  setOtherDirectors(directors: readonly OtherDirector[]): void {
    this.#core.setOtherDirectors(directors)
  }

  /** Somebody may have removed the rules for marks. */
  noteChange({ type }: NetworkChange): void {
    if (type === 'rule' || type === 'anything') this.#isAttached = false
  }

  get isBehind(): boolean {
    return !this.#isAttached
  }

  apply(plan: ForwardPlan, hops: Hops, partly: boolean): readonly Endpoint[] {
    this.#prepareMarks(plan.services)
    let applied: Difference
    try {
      applied = this.#core.apply(plan, hops, partly)
    } catch (error) {
      // One that there is no room for changes nothing; what the kernel refuses keeps no link from having the program.
      if (partly || !(error instanceof CoreFullError)) this.#attach(this.#services)
      throw error
    }
    this.#counting.follow(applied.writes)
    if (this.#log.isLevelEnabled('debug')) {
      this.#log.debug(`plan of ${plan.services.length} services: ${countsByType(applied.writes)} written`)
    }
    this.#services = plan.services
    this.#attach(plan.services)
    return applied.leftOut
  }

  get programs(): readonly AttachedTo[] {
    return this.#core.attached
  }

  start(): void {
    this.#core.setInertAt(0n)
  }

  read(): CoreReading {
    return readCore(this.#core, this.#counting)
  }

  connections(): Iterable<Connection> {
    return this.#core.connections()
  }

  forget(connection: Pick<Connection, 'protocol' | 'client' | 'virtual'>): boolean {
    return this.#core.forget(connection)
  }

  get timeouts(): Timeouts {
    return this.#core.timeouts
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#core.setTimeouts(timeouts)
  }

  zero(id: ServiceId | undefined): boolean {
    const isMeant = (service: ServiceId) => id === undefined || serviceName(service) === serviceName(id)
    const services = this.#core.services().flatMap(({ key, entry }) => (isMeant(key) ? [entry.slot] : []))
    const dests = [...this.#core.destinations()].flatMap(([slot, { dest }]) => (isMeant(dest.service) ? [slot] : []))
    for (const [slot, now] of this.#core.counters('service', services)) this.#counting.zero('service', slot, now)
    for (const [slot, now] of this.#core.counters('dest', dests)) this.#counting.zero('dest', slot, now)
    return id === undefined || services.length > 0
  }

  get zeros(): KeptZeros {
    return this.#counting.zeros
  }

  trace(packet: TracePacket, mark: number): Traced {
    return this.#core.trace(traceFrame(packet), mark)
  }

  sweep(): Millis {
    return this.#core.sweep()
  }

  /** Without their pins the program is off the links, and a restart would forget all. */
  repair(): void {
    if (!this.#core.restorePins()) return
    this.#log.error('pins of the forwarding core were removed from the BPF file system; pinning it again')
    this.#isAttached = false
  }

  leave(grace: Millis): void {
    this.#markRoute.close()
    this.#core.setInertAt(process.hrtime.bigint() + BigInt(Math.round(grace)) * 1_000_000n)
    this.#core.close()
  }

  remove(): void {
    this.#markRoute.follow([])
    this.#markRoute.close()
    this.#core.remove()
  }

  /** The way by the firewall is there before the first packet is sent it, and until after the last. */
  #prepareMarks(services: readonly PlannedService[]): void {
    const marks = marksOf(services)
    if (this.#isAttached && marksKey(marks) === this.#marks) return
    const ifindex = this.#markRoute.prepare(marks) ?? this.#markIfindex
    if (ifindex === this.#markIfindex) return
    this.#markIfindex = ifindex
    this.#attachLinks()
  }

  /** Whatever does not follow from verdicts: links, marks, switches and the kernel's limits. */
  #attach(services: readonly PlannedService[]): void {
    const marks = marksOf(services)
    if (this.#isAttached && marksKey(marks) === this.#marks) return
    this.#markIfindex = this.#markRoute.follow(marks)
    this.#marks = marksKey(marks)
    this.#core.setSwitches(this.#options.switches)
    this.#core.setClosedAddresses(closedAddresses(this.#options.closed, services))
    this.#core.setErrorRate(readIcmpLimits())
    this.#isAttached = true
    this.#attachLinks()
  }

  #attachLinks(): void {
    const own: readonly string[] = Object.values(MARK_LINK)
    const { only, xdp } = this.#options.attachment
    const others = this.#links.filter(
      ({ kind, name }) =>
        (kind === 'ethernet' || kind === 'loopback') &&
        !own.includes(name) &&
        (only.length === 0 || only.includes(name) || xdp.includes(name)),
    )
    const wanted = others.map(({ index, mac, name }) => ({ index, mac, xdp: xdp.includes(name) }))
    for (const { ifindex, error } of this.#core.attach(wanted, this.#markIfindex)) {
      const name = others.find(({ index }) => index === ifindex)?.name
      this.#log.warn({ interface: name, error: error.message }, `no XDP on ${name}; tc forwards its packets`)
    }
  }
}
