import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ESTIMATE_EVERY_SECONDS } from '../../balance/estimator.ts'
import { type IpvsTable, nextStep, planByHand, tableInCore } from '../../balance/ipvs-table.ts'
import { beginMeters, type Meters, ratesByRun, tickMeters } from '../../balance/meters.ts'
import type { PlannedService } from '../../balance/plan.ts'
import { type FormedPool, type Quorum, reformPool } from '../../balance/pool.ts'
import { type ConnectionFilter, passes } from '../../control/connection-filter.ts'
import type { Dump } from '../../control/dump.ts'
import { ipvsListing } from '../../control/ipvs-listing.ts'
import { type ConfiguredService, serviceSnapshots } from '../../control/service-snapshot.ts'
import type { ServiceSnapshot } from '../../control/snapshot.ts'
import { type Backend, CoreFullError } from '../../forward/backend.ts'
import { muteServers } from '../../host/own-ports.ts'
import { type NetworkChange, NetworkChanges } from '../../linux/network-changes.ts'
import { Poller } from '../../linux/poller.ts'
import { type Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import type { Config } from '../../model/config.ts'
import type { CoreReading } from '../../model/core-reading.ts'
import { countsByType } from '../../model/counts-by-type.ts'
import type { IpvsListing, ListedConnection } from '../../model/ipvs-listing.ts'
import type { IpvsCommand, IpvsOutcome, IpvsService, Timeouts } from '../../model/ipvs.ts'
import { type Endpoint, endpointName, type RealServer, type ServiceId, serviceName } from '../../model/service.ts'
import type { Traced, TracePacket } from '../../model/trace.ts'
import type { Millis } from '../../time.ts'
import { Coalescer } from './coalescer.ts'
import type { KeptState } from './kept-state.ts'
import { NextHops } from './next-hops.ts'
import type { Verdicts } from './verdicts.ts'

/** Verdicts and changes of the network that come within this time of a plan are part of one that is made after it. */
const PLAN_GAP_MS = 20

/**
 * After a plan that the network was asked for it is left alone for so many times as long as that took, and not longer than the limit; so
 * are its events after they were read. A storm of changes takes a tenth of the process for each, and what is known is at most so old.
 */
const NETWORK_REST = 9
const NETWORK_REST_LIMIT_MS = 5000
const EVENTS_REST_LIMIT_MS = 1000

/**
 * Keeps the forwarding core in line with configuration, verdicts and network: each change makes a plan, and the difference
 * to what the core holds is written.
 */
export class Forwarding {
  readonly #log: Logger
  readonly #backend: Backend
  readonly #verdicts: Verdicts
  readonly #rtnetlink = new Rtnetlink()
  readonly #changes = new NetworkChanges()
  readonly #poller: Poller
  readonly #hops = new NextHops(this.#rtnetlink)
  readonly #following = new Coalescer(() => this.#follow(), PLAN_GAP_MS)
  readonly #plannedByHand = new WeakMap<IpvsService, PlannedService>()
  /** Of the director before this one, until there are pools. */
  readonly #keptQuorums: Map<string, Quorum>
  readonly #meterTimer: NodeJS.Timeout
  #meters: Meters
  #pools: ReadonlyMap<string, FormedPool> = new Map()
  #byHand: IpvsTable
  #services: readonly PlannedService[] = []
  #config: Config
  #links: readonly Link[] = []
  /** Whether the list of links is that of the kernel. */
  #areLinksKnown = false
  #areAddressesKnown = false
  /** The network is not asked before then, by `performance.now()`. */
  #networkNotBefore = Number.NEGATIVE_INFINITY
  /** While events of the network are left alone. */
  #eventsRest: NodeJS.Timeout | undefined
  /** What the kernel refused the last time. */
  readonly #failures = new Map<'plan' | 'repair', string>()
  /** Servers that the core has no room for. */
  #leftOut: readonly string[] = []
  /** What was said of servers that are not reached here. */
  #mute: ReadonlySet<string> = new Set()
  #sweepTimer: NodeJS.Timeout | undefined

  /** `quorums` are of the director before this one. Throws SystemError or CoreFullError. */
  constructor(
    backend: Backend,
    config: Config,
    verdicts: Verdicts,
    quorums: KeptState['quorums'] | undefined,
    log: Logger,
  ) {
    this.#log = log
    this.#verdicts = verdicts
    this.#config = config
    this.#backend = backend
    const found = backend.read()
    this.#byHand = tableInCore(found)
    this.#meters = beginMeters(found)
    this.#keptQuorums = new Map(Object.entries(quorums ?? {}))
    this.#meterTimer = setInterval(() => this.#measure(), ESTIMATE_EVERY_SECONDS * 1000)
    this.#update()
    this.#keptQuorums.clear()
    backend.start()
    this.#poller = new Poller(() => this.#readChanges())
    this.#poller.watch([this.#changes.fd])
    this.#sweep()
  }

  /** Puts a new configuration into force. Throws CoreFullError; then the one before stays. */
  configure(config: Config): void {
    const before = this.#config
    this.#config = config
    this.#backend.configure(config)
    try {
      this.#update()
    } catch (error) {
      this.#config = before
      this.#backend.configure(before)
      throw error
    }
  }

  /** Makes the core follow the verdicts soon. */
  follow(): void {
    this.#following.request()
  }

  /**
   * Makes the core follow verdicts and network. A server that there is no room for is left out: those that are gone keep their places
   * while there are connections to them. What the kernel refuses is said. With each sweep it is tried again.
   */
  #follow(): void {
    let leftOut: readonly string[]
    try {
      leftOut = this.#update({ partly: true }).map(endpointName)
      this.#failures.delete('plan')
    } catch (error) {
      this.#report('plan', 'the forwarding core could not be brought up to date yet', error)
      return
    }
    const news = leftOut.filter((name) => !this.#leftOut.includes(name))
    if (news.length > 0) this.#log.error({ servers: news }, `the core has no room for ${news.join(', ')} yet`)
    this.#leftOut = leftOut
  }

  /** Returns the servers that there is no room for. Throws CoreFullError, with `partly` only for other reasons than these. */
  #update({ partly } = { partly: false }): readonly Endpoint[] {
    // What is known of the network is as new as the plan, also when its event still waits for its turn; but not in a storm.
    this.#noteChanges()
    const begun = performance.now()
    const asks = this.#isNetworkNews && begun >= this.#networkNotBefore
    if (asks && !this.#areLinksKnown) this.#followLinks()
    if (asks && !this.#areAddressesKnown) this.#followAddresses()
    const pools = new Map(
      this.#config.virtualServers.map((server): [string, FormedPool] => {
        const name = serviceName(server.id)
        const isUp = (real: RealServer) => this.#verdicts.isUp(server, real)
        return [name, reformPool(server, isUp, this.#pools.get(name), this.#keptQuorums.get(name))]
      }),
    )
    const configured = this.#configured()
    const byHand = this.#byHand.filter(({ id }) => !configured.has(serviceName(id)))
    const services = [...[...pools.values()].map(({ service }) => service), ...byHand.map((each) => this.#plan(each))]
    const servers = services.flatMap(({ destinations }) => destinations.map(({ endpoint }) => endpoint.address))
    this.#hops.learn(new Set(servers), asks)
    let leftOut: readonly Endpoint[]
    try {
      leftOut = this.#backend.apply({ services }, this.#hops.all, partly)
      this.#services = services
    } finally {
      if (asks) {
        const ended = performance.now()
        this.#networkNotBefore = ended + Math.min(NETWORK_REST_LIMIT_MS, NETWORK_REST * (ended - begun))
      }
      if (this.#isNetworkNews) this.#following.request(this.#networkNotBefore)
    }
    this.#byHand = byHand
    this.#sayMute(services)
    const before = this.#pools
    this.#pools = pools
    for (const [name, pool] of pools) if (pool !== before.get(name)) this.#logChanges(name, before.get(name), pool)
    return leftOut
  }

  snapshot(): { services: ServiceSnapshot[]; drops: Record<string, number> } {
    const reading = this.#backend.read()
    const configured = this.#config.virtualServers.map((server): ConfiguredService => {
      const pool = this.#pools.get(serviceName(server.id))
      return {
        server,
        hasQuorum: pool?.quorum.up === true,
        weights: new Map(pool?.service.destinations.map(({ endpoint, weight }) => [endpointName(endpoint), weight])),
        verdicts: server.realServers.map((real) => this.#verdicts.describe(server, real)),
      }
    })
    return { services: serviceSnapshots(configured, this.#byHand, reading), drops: dropCounts(reading) }
  }

  /**
   * What ipvsadm asks for, one after the other. What is refused changes nothing. The kernel may wait 20 ms in each step, so that
   * between them everything else has its turn.
   */
  async change(commands: readonly IpvsCommand[]): Promise<readonly IpvsOutcome[]> {
    const outcomes: IpvsOutcome[] = []
    while (outcomes.length < commands.length) {
      if (outcomes.length > 0) await nextTurn()
      outcomes.push(...this.#changeSome(commands.slice(outcomes.length)))
    }
    return outcomes
  }

  /** As many from the first on as go together. */
  #changeSome(commands: readonly IpvsCommand[]): readonly IpvsOutcome[] {
    const before = this.#byHand
    const { table, outcomes } = nextStep(before, commands, this.#configured(), (address) =>
      this.#hops.isBroadcast(address),
    )
    if (table === before) return outcomes
    this.#byHand = table
    try {
      this.#update()
      return outcomes
    } catch (error) {
      this.#byHand = before
      if (!(error instanceof CoreFullError)) throw error
      return outcomes.length === 1
        ? ['full']
        : commands.slice(0, outcomes.length).flatMap((one) => this.#changeSome([one]))
    }
  }

  ipvs(): IpvsListing {
    return ipvsListing(this.#services, this.#backend.read(), ratesByRun(this.#meters))
  }

  /** What the core holds, without connections. */
  dump(): Dump['core'] {
    const reading = this.#backend.read()
    const nameOf = (ifindex: number) => this.#links.find(({ index }) => index === ifindex)?.name
    const programs = this.#backend.programs.map((each) => ({ interface: nameOf(each.ifindex), ...each }))
    const listing = ipvsListing(this.#services, reading, ratesByRun(this.#meters))
    return { ...listing, drops: dropCounts(reading), programs }
  }

  *connections(filter: ConnectionFilter): Iterable<ListedConnection> {
    for (const connection of this.#backend.connections()) if (passes(connection, filter)) yield connection
  }

  /** Takes connections out of the table. Returns how many there were. */
  forget(filter: ConnectionFilter): number {
    // Templates are not connections: without a client's port nothing is found.
    const found = [...this.connections(filter)].filter(({ client }) => client.port !== 0)
    return found.filter((connection) => this.#backend.forget(connection)).length
  }

  /** What would become of a packet. Throws SystemError. */
  trace(packet: TracePacket, mark: number): Traced {
    if (this.#backend.trace === undefined) throw new Error('this forwarding core cannot trace packets')
    return this.#backend.trace(packet, mark)
  }

  /** 0 leaves a time-out as it is. */
  setTimeouts({ tcp, tcpFin, udp }: Timeouts): void {
    const now = this.#backend.timeouts
    this.#backend.setTimeouts({ tcp: tcp || now.tcp, tcpFin: tcpFin || now.tcpFin, udp: udp || now.udp })
  }

  /** Totals of a service and its servers begin at 0, or those of all. False when there is no such service. */
  zero(id: ServiceId | undefined): boolean {
    return this.#backend.zero(id)
  }

  /** What the next director is to know of this. */
  get kept(): Pick<KeptState, 'quorums' | 'zeros'> {
    const quorums = Object.fromEntries([...this.#pools].map(([name, { quorum }]) => [name, quorum]))
    return { quorums, zeros: this.#backend.zeros }
  }

  /** Lets the core go on by itself for so long; from then on it passes everything. */
  leave(grace: Millis): void {
    this.#close()
    this.#backend.leave(grace)
  }

  /** Removes the core. */
  remove(): void {
    this.#close()
    this.#backend.remove()
  }

  #close(): void {
    this.#following.cancel()
    clearTimeout(this.#sweepTimer)
    clearInterval(this.#meterTimer)
    clearTimeout(this.#eventsRest)
    this.#poller.close()
    this.#changes.close()
    this.#rtnetlink.close()
  }

  /** Names of the services that are the configuration's. */
  #configured(): ReadonlySet<string> {
    return new Set(this.#config.virtualServers.flatMap(({ id, marked }) => [id, ...marked]).map(serviceName))
  }

  /** Whether the kernel is to be asked for links, or for next hops that may be others now. */
  get #isNetworkNews(): boolean {
    return !this.#areLinksKnown || !this.#areAddressesKnown || this.#hops.isStale
  }

  #readChanges(): void {
    if (this.#eventsRest !== undefined) return
    const begun = performance.now()
    if (!this.#noteChanges()) return
    if (this.#isNetworkNews) this.#following.request(this.#networkNotBefore)
    const rest = Math.min(EVENTS_REST_LIMIT_MS, NETWORK_REST * (performance.now() - begun))
    this.#poller.watch([])
    this.#eventsRest = setTimeout(() => {
      this.#eventsRest = undefined
      this.#poller.watch([this.#changes.fd])
    }, rest)
  }

  /** Takes note of what has changed, and asks nothing yet. False when nothing has. */
  #noteChanges(): boolean {
    const changes = this.#changes.drain()
    if (changes.length > 0) this.#log.debug(`netlink: ${countsByType(changes)}`)
    for (const change of changes) {
      this.#hops.note(change)
      this.#backend.noteChange(change)
      if (change.type === 'anything' || isNewsOf(change, this.#links)) this.#areLinksKnown = false
      if (change.type === 'anything' || change.type === 'address') this.#areAddressesKnown = false
    }
    return changes.length > 0
  }

  #followLinks(): void {
    this.#links = this.#rtnetlink.links()
    this.#hops.follow(this.#links)
    this.#backend.setLinks(this.#links)
    this.#areLinksKnown = true
  }

  #followAddresses(): void {
    this.#backend.setOwnAddresses(this.#rtnetlink.ownAddresses())
    this.#areAddressesKnown = true
  }

  #plan(service: IpvsService): PlannedService {
    const known = this.#plannedByHand.get(service)
    if (known !== undefined) return known
    const planned = planByHand(service)
    this.#plannedByHand.set(service, planned)
    return planned
  }

  #sweep(): void {
    this.#sweepTimer = setTimeout(() => this.#sweep(), this.#backend.sweep())
    this.#repair()
    if (this.#backend.isBehind || this.#failures.has('plan') || this.#leftOut.length > 0) this.follow()
  }

  #repair(): void {
    try {
      this.#backend.repair()
      this.#failures.delete('repair')
    } catch (error) {
      this.#report('repair', 'cannot make again what somebody has removed of the forwarding core', error)
    }
  }

  #measure(): void {
    this.#meters = tickMeters(this.#meters, this.#backend.read())
  }

  /** What the kernel refuses is said once, and tried again with each sweep; anything else is a fault of ours. */
  #report(task: 'plan' | 'repair', what: string, error: unknown): void {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (this.#failures.get(task) !== error.message) this.#log.error(`${what}: ${error.message}`)
    this.#failures.set(task, error.message)
  }

  /** Says once of each server that it cannot be reached here. */
  #sayMute(services: readonly PlannedService[]): void {
    const mute = muteServers(services, (address) => this.#hops.all.get(address) === 'local')
    for (const sentence of mute) if (!this.#mute.has(sentence)) this.#log.error(sentence)
    this.#mute = mute
  }

  #logChanges(name: string, before: FormedPool | undefined, now: FormedPool): void {
    const log = (message: string) => this.#log.info({ virtualServer: name }, message)
    const old = new Map(before?.service.destinations.map((dest) => [endpointName(dest.endpoint), dest]))
    for (const { endpoint, weight } of now.service.destinations) {
      const server = endpointName(endpoint)
      const known = old.get(server)
      old.delete(server)
      if (known === undefined) log(`Adding service ${server} to VS ${name} with weight ${weight}`)
      else if (known.weight !== weight)
        log(`Changing weight of service ${server} of VS ${name} from ${known.weight} to ${weight}`)
    }
    for (const server of old.keys()) log(`Removing service ${server} from VS ${name}`)
    if (before?.quorum.up === now.quorum.up) return
    if (!now.quorum.up) this.#log.warn({ virtualServer: name }, `Lost quorum for VS ${name}`)
    else log(`Gained quorum for VS ${name}`)
  }
}

/** Whether a link has changed in what matters; the kernel tells of its smallest change. */
function isNewsOf(change: NetworkChange, links: readonly Link[]): boolean {
  if (change.type !== 'link') return false
  const known = links.find(({ index }) => index === change.index)
  const { link } = change
  if (known === undefined || link === undefined) return known !== link
  return (
    known.name !== link.name ||
    known.up !== link.up ||
    known.mtu !== link.mtu ||
    known.kind !== link.kind ||
    Buffer.compare(known.mac, link.mac) !== 0
  )
}

const dropCounts = ({ drops }: CoreReading): Record<string, number> =>
  Object.fromEntries(Object.entries(drops).map(([reason, count]) => [reason, Number(count)]))
