import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { ESTIMATE_EVERY_SECONDS } from '../../balance/estimator.ts'
import { fellowServers, type Pool, unchangedServers } from '../../balance/fellow-servers.ts'
import { type IpvsTable, nextStep, planByHand, tableInCore } from '../../balance/ipvs-table.ts'
import { beginMeters, type Meters, ratesByRun, tickMeters } from '../../balance/meters.ts'
import type { PlannedService } from '../../balance/plan.ts'
import { handled, weightNow } from '../../balance/standing.ts'
import { type FormedPool, type Quorum, reformPool } from '../../balance/pool.ts'
import { poolChanges } from '../../balance/pool-changes.ts'
import { pathServices } from '../../balance/service-paths.ts'
import { canRest, suspendedServers } from '../../balance/suspension.ts'
import { type ConnectionFilter, passes } from '../../control/connection-filter.ts'
import type { Dump } from '../../control/dump.ts'
import { ipvsListing } from '../../control/ipvs-listing.ts'
import { type ConfiguredService, serviceSnapshots, type ServerVerdict } from '../../control/service-snapshot.ts'
import type { AvailabilitySnapshot, ServiceSnapshot } from '../../control/snapshot.ts'
import { type Backend, CoreFullError } from '../../forward/backend.ts'
import { muteServers } from '../../host/own-ports.ts'
import type { Config } from '../../model/config.ts'
import type { CoreReading } from '../../model/core-reading.ts'
import type { IpvsListing, ListedConnection } from '../../model/ipvs-listing.ts'
import {
  type IpvsCommand,
  type IpvsOutcome,
  type IpvsService,
  type Timeouts,
  USUAL_TIMEOUTS,
} from '../../model/ipvs.ts'
import type { Hops } from '../../model/next-hop.ts'
import { type RealServer, type ServiceId, serviceName, type VirtualServer } from '../../model/service.ts'
import { type Endpoint, endpointName } from '../../model/endpoint.ts'
import type { Traced, TracePacket } from '../../model/trace.ts'
import type { Address } from '../../net/address.ts'
import type { Millis } from '../../time.ts'
import { Coalescer } from './coalescer.ts'
import type { Holds } from './holds.ts'
import { HostNetwork } from './host-network.ts'
import type { KeptState } from './kept-state.ts'
import type { Hands } from './hands.ts'

/** Verdicts and changes of the network that come within this time of a plan are part of one that is made after it. */
const PLAN_GAP_MS = 20

/** The first answers of all checkers come one after the other: their plans take a tenth of the process at most. */
const FOUND_WITHIN_MS = 200
const FOUND_SHARE = 10

/** `suspended`: names of the virtual servers whose checks rest. */
type OnPools = (pools: ReadonlyMap<string, FormedPool>, suspended: ReadonlySet<string>) => void

/**
 * Keeps the forwarding core in line with configuration, verdicts and network: each change makes a plan, and the difference
 * to what the core holds is written.
 */
export class Forwarding {
  readonly #log: Logger
  readonly #onPools: OnPools
  readonly #backend: Backend
  readonly #standings: Holds
  readonly #hands: Hands
  readonly #network: HostNetwork
  readonly #following = new Coalescer(() => this.#follow(), PLAN_GAP_MS)
  readonly #plannedByHand = new WeakMap<IpvsService, PlannedService>()
  /** Of the director before this one, until there are pools. */
  readonly #keptQuorums: Map<string, Quorum>
  readonly #meterTimer: NodeJS.Timeout
  #meters: Meters
  #pools: ReadonlyMap<string, FormedPool> = new Map()
  #byHand: IpvsTable
  #services: readonly PlannedService[] = []
  #paths: { readonly of: readonly VirtualServer[]; readonly services: readonly PlannedService[] } = {
    of: [],
    services: [],
  }
  #config: Config
  /** What the kernel refused the last time. */
  readonly #failures = new Map<'plan' | 'repair', string>()
  /** How long that took the last time. */
  #followMs = 0
  /** Servers that the core has no room for. */
  #leftOut: readonly string[] = []
  /** What was said of servers that are not reached here. */
  #mute: ReadonlySet<string> = new Set()
  #suspended: ReadonlySet<string> = new Set()
  #sweepTimer: NodeJS.Timeout | undefined

  /** `quorums` are of the director before this one. `onPools` is told of the servers each time they may be others. Throws SystemError or CoreFullError. */
  constructor(
    backend: Backend,
    config: Config,
    standings: Holds,
    hands: Hands,
    quorums: KeptState['quorums'] | undefined,
    log: Logger,
    onPools: OnPools,
  ) {
    this.#log = log
    this.#onPools = onPools
    this.#standings = standings
    this.#hands = hands
    this.#config = config
    this.#backend = backend
    this.#network = new HostNetwork(backend, log, (notBefore) => this.#following.request(notBefore))
    const found = backend.read()
    this.#byHand = tableInCore(found)
    this.#meters = beginMeters(found)
    this.#keptQuorums = new Map(Object.entries(quorums ?? {}))
    this.#meterTimer = setInterval(() => this.#measure(), ESTIMATE_EVERY_SECONDS * 1000)
    this.setTimeouts(config.timeouts)
    this.#observe(found)
    this.#update()
    this.#keptQuorums.clear()
    backend.start()
    this.#network.watch()
    this.#sweep()
  }

  /** Puts a new configuration into force. Throws CoreFullError; then the one before stays. */
  configure(config: Config): void {
    const before = this.#config
    this.#config = config
    this.#backend.configure(config)
    try {
      if (config.virtualServers.some(({ observeLimit }) => observeLimit !== undefined))
        this.#observe(this.#backend.read())
      this.#update()
      if (!isDeepStrictEqual(config.timeouts, before.timeouts)) this.setTimeouts(withUsual(config.timeouts))
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

  /** A checker has spoken for the first time, which changes nothing. What holds servers up needs to know it all the same. */
  noteFound(): void {
    this.#following.request(performance.now() + Math.max(FOUND_WITHIN_MS, FOUND_SHARE * this.#followMs))
  }

  /**
   * Makes the core follow verdicts and network. A server that there is no room for is left out: those that are gone keep their places
   * while there are connections to them. What the kernel refuses is said. With each sweep it is tried again.
   */
  #follow(): void {
    let leftOut: readonly string[]
    const begun = performance.now()
    try {
      leftOut = this.#update({ partly: true }).map(endpointName)
      this.#followMs = performance.now() - begun
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
    const asking = this.#network.begin()
    this.#standings.follow(this.#config.virtualServers, (server, real) => this.#hands.of(server, real))
    const pools = new Map(
      this.#config.virtualServers.map((server): [string, FormedPool] => {
        const { name } = server
        const standingOf = (real: RealServer) =>
          handled(this.#standings.standing(server, real), this.#hands.of(server, real))
        return [name, reformPool(server, standingOf, this.#pools.get(name), this.#keptQuorums.get(name))]
      }),
    )
    const configured = this.#configured()
    const byHand = this.#byHand.filter(({ id }) => !configured.has(serviceName(id)))
    const services = [
      ...[...pools.values()].flatMap((pool) => pool.services),
      ...byHand.map((each) => this.#plan(each)),
    ]
    const paths = this.#pathServices()
    const all = this.#allServers(byHand)
    const planned = [...services, ...paths].flatMap(({ destinations }) =>
      destinations.map(({ endpoint }) => endpoint.address),
    )
    const hops = this.#network.resolve(new Set([...planned, ...all.flatMap(unchangedServers)]), asking)
    let leftOut: readonly Endpoint[]
    try {
      const isHere = (address: Address) => hops.get(address) === 'local'
      this.#network.followFellows(fellowServers(all, isHere), asking)
      leftOut = this.#backend.apply({ services: [...services, ...paths] }, hops, partly)
      this.#services = services
    } finally {
      this.#network.end(asking)
    }
    this.#byHand = byHand
    this.#sayMute(services, hops)
    const before = this.#pools
    this.#pools = pools
    for (const [name, pool] of pools) {
      for (const { level, text } of poolChanges(name, before.get(name), pool, pool.server.alpha)) {
        this.#log[level]({ virtualServer: name }, text)
      }
    }
    this.#suspended = suspendedServers(this.#config.virtualServers, this.#network.ownAddresses)
    this.#onPools(pools, this.#suspended)
    return leftOut
  }

  snapshot(availabilityOf: (server: VirtualServer, real?: RealServer) => AvailabilitySnapshot | undefined): {
    services: ServiceSnapshot[]
    drops: Record<string, number>
    alarms: readonly string[]
  } {
    const reading = this.#backend.read()
    const configured = this.#config.virtualServers.flatMap((server): ConfiguredService[] => {
      const pool = this.#pools.get(server.name)
      const hasQuorum = pool?.quorum.up === true
      const verdicts = server.realServers.map((real) => ({
        ...this.#describe(server, real),
        weight: weightNow(this.#standings.standing(server, real)),
        byHand: this.#hands.of(server, real),
        availability: availabilityOf(server, real),
      }))
      const availability = availabilityOf(server)
      return server.services.map((id, i) => {
        const destinations = pool?.services[i]?.destinations
        const weights = new Map(destinations?.map(({ endpoint, weight }) => [endpointName(endpoint), weight]))
        return { server, id, hasQuorum, availability, weights, verdicts }
      })
    })
    return {
      services: serviceSnapshots(configured, this.#byHand, reading),
      drops: dropCounts(reading),
      alarms: this.#standings.alarms,
    }
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
      this.#network.isBroadcast(address),
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
    return this.#listing(this.#backend.read())
  }

  #listing(reading: CoreReading): IpvsListing {
    return ipvsListing(this.#services, reading, ratesByRun(this.#meters))
  }

  /** What the core holds, without connections. */
  dump(): Dump['core'] {
    const reading = this.#backend.read()
    const programs = this.#backend.programs.map((each) => ({
      interface: this.#network.linkName(each.ifindex),
      ...each,
    }))
    return { ...this.#listing(reading), drops: dropCounts(reading), programs }
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

  /** Names of the virtual servers whose checks rest while their addresses are elsewhere. */
  get suspended(): ReadonlySet<string> {
    return this.#suspended
  }

  /** What the next director is to know of this. */
  get kept(): Pick<KeptState, 'quorums' | 'holds' | 'zeros'> {
    return { ...this.known, zeros: this.#backend.zeros }
  }

  /** What is known of servers beside the verdicts. */
  get known(): Pick<KeptState, 'quorums' | 'holds'> {
    const quorums = Object.fromEntries([...this.#pools].map(([name, { quorum }]) => [name, quorum]))
    return { quorums, holds: this.#standings.kept }
  }

  /** Takes the configuration's services out of the core; those made by hand stay. */
  flush(): void {
    const asking = this.#network.begin()
    const services = this.#byHand.map((each) => this.#plan(each))
    const servers = services.flatMap(({ destinations }) => destinations.map(({ endpoint }) => endpoint.address))
    this.#backend.apply({ services }, this.#network.resolve(new Set(servers), asking), true)
    this.#network.end(asking)
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
    this.#standings.close()
    this.#network.close()
  }

  /** Whatever the checks say of them. */
  #allServers(byHand: IpvsTable): readonly Pool[] {
    const configured = this.#config.virtualServers.map(({ services, marked, realServers, sorryServer }) => ({
      ids: [...services, ...marked],
      servers: sorryServer === undefined ? realServers : [...realServers, sorryServer],
    }))
    return [...configured, ...byHand.map(({ id, servers }) => ({ ids: [id], servers }))]
  }

  /** For checks that go the way of clients: the same as long as the configuration is. */
  #pathServices(): readonly PlannedService[] {
    const { virtualServers } = this.#config
    if (this.#paths.of !== virtualServers) this.#paths = { of: virtualServers, services: pathServices(virtualServers) }
    return this.#paths.services
  }

  /** Names of the services that are the configuration's. */
  #configured(): ReadonlySet<string> {
    return new Set(
      this.#config.virtualServers.flatMap(({ services, marked }) => [...services, ...marked]).map(serviceName),
    )
  }

  #describe(server: VirtualServer, real: RealServer): ServerVerdict {
    const verdict = this.#standings.describe(server, real)
    if (!real.checks.some(canRest) || !this.#suspended.has(server.name)) return verdict
    return { ...verdict, reason: `${verdict.reason}; not checked while its addresses are not here (ha_suspend)` }
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
    const reading = this.#backend.read()
    this.#meters = tickMeters(this.#meters, reading)
    this.#observe(reading)
  }

  /** What clients meet counts from the first time on that this looks at a server. */
  #observe(reading: CoreReading): void {
    const handOf = (server: VirtualServer, real: RealServer) => this.#hands.of(server, real)
    if (this.#standings.observe(this.#config.virtualServers, handOf, reading)) this.follow()
  }

  /** What the kernel refuses is said once, and tried again with each sweep; anything else is a fault of ours. */
  #report(task: 'plan' | 'repair', what: string, error: unknown): void {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (this.#failures.get(task) !== error.message) this.#log.error(`${what}: ${error.message}`)
    this.#failures.set(task, error.message)
  }

  /** Says once of each server that it cannot be reached here. */
  #sayMute(services: readonly PlannedService[], hops: Hops): void {
    const mute = muteServers(services, (address) => hops.get(address) === 'local')
    for (const sentence of mute) if (!this.#mute.has(sentence)) this.#log.error(sentence)
    this.#mute = mute
  }
}

/** IPVS's own, of what a reload leaves out. */
const withUsual = ({ tcp, tcpFin, udp }: Timeouts): Timeouts => ({
  tcp: tcp || USUAL_TIMEOUTS.tcp,
  tcpFin: tcpFin || USUAL_TIMEOUTS.tcpFin,
  udp: udp || USUAL_TIMEOUTS.udp,
})

const dropCounts = ({ drops }: CoreReading): Record<string, number> =>
  Object.fromEntries(Object.entries(drops).map(([reason, count]) => [reason, Number(count)]))
