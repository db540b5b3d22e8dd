import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ESTIMATE_EVERY_SECONDS } from '../../balance/estimator.ts'
import { type IpvsTable, nextStep, planByHand, tableInCore } from '../../balance/ipvs-table.ts'
import { beginMeters, type Meters, ratesByRun, tickMeters } from '../../balance/meters.ts'
import type { PlannedService } from '../../balance/plan.ts'
import { type FormedPool, type Quorum, reformPool } from '../../balance/pool.ts'
import { poolChanges } from '../../balance/pool-changes.ts'
import { type ConnectionFilter, passes } from '../../control/connection-filter.ts'
import type { Dump } from '../../control/dump.ts'
import { ipvsListing } from '../../control/ipvs-listing.ts'
import { type ConfiguredService, serviceSnapshots } from '../../control/service-snapshot.ts'
import type { ServiceSnapshot } from '../../control/snapshot.ts'
import { type Backend, CoreFullError } from '../../forward/backend.ts'
import { muteServers } from '../../host/own-ports.ts'
import type { Config } from '../../model/config.ts'
import type { CoreReading } from '../../model/core-reading.ts'
import type { IpvsListing, ListedConnection } from '../../model/ipvs-listing.ts'
import type { IpvsCommand, IpvsOutcome, IpvsService, Timeouts } from '../../model/ipvs.ts'
import type { Hops } from '../../model/next-hop.ts'
import { type RealServer, type ServiceId, serviceName } from '../../model/service.ts'
import { type Endpoint, endpointName } from '../../model/endpoint.ts'
import type { Traced, TracePacket } from '../../model/trace.ts'
import type { Millis } from '../../time.ts'
import { Coalescer } from './coalescer.ts'
import { HostNetwork } from './host-network.ts'
import type { KeptState } from './kept-state.ts'
import type { Verdicts } from './verdicts.ts'

/** Verdicts and changes of the network that come within this time of a plan are part of one that is made after it. */
const PLAN_GAP_MS = 20

/**
 * Keeps the forwarding core in line with configuration, verdicts and network: each change makes a plan, and the difference
 * to what the core holds is written.
 */
export class Forwarding {
  readonly #log: Logger
  readonly #onPools: (pools: ReadonlyMap<string, FormedPool>) => void
  readonly #backend: Backend
  readonly #verdicts: Verdicts
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
  #config: Config
  /** What the kernel refused the last time. */
  readonly #failures = new Map<'plan' | 'repair', string>()
  /** Servers that the core has no room for. */
  #leftOut: readonly string[] = []
  /** What was said of servers that are not reached here. */
  #mute: ReadonlySet<string> = new Set()
  #sweepTimer: NodeJS.Timeout | undefined

  /** `quorums` are of the director before this one. `onPools` is told of the servers each time they may be others. Throws SystemError or CoreFullError. */
  constructor(
    backend: Backend,
    config: Config,
    verdicts: Verdicts,
    quorums: KeptState['quorums'] | undefined,
    log: Logger,
    onPools: (pools: ReadonlyMap<string, FormedPool>) => void,
  ) {
    this.#log = log
    this.#onPools = onPools
    this.#verdicts = verdicts
    this.#config = config
    this.#backend = backend
    this.#network = new HostNetwork(backend, log, (notBefore) => this.#following.request(notBefore))
    const found = backend.read()
    this.#byHand = tableInCore(found)
    this.#meters = beginMeters(found)
    this.#keptQuorums = new Map(Object.entries(quorums ?? {}))
    this.#meterTimer = setInterval(() => this.#measure(), ESTIMATE_EVERY_SECONDS * 1000)
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
    const asking = this.#network.begin()
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
    const hops = this.#network.resolve(new Set(servers), asking)
    let leftOut: readonly Endpoint[]
    try {
      leftOut = this.#backend.apply({ services }, hops, partly)
      this.#services = services
    } finally {
      this.#network.end(asking)
    }
    this.#byHand = byHand
    this.#sayMute(services, hops)
    const before = this.#pools
    this.#pools = pools
    for (const [name, pool] of pools) {
      for (const { level, text } of poolChanges(name, before.get(name), pool)) {
        this.#log[level]({ virtualServer: name }, text)
      }
    }
    this.#onPools(pools)
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
    this.#network.close()
  }

  /** Names of the services that are the configuration's. */
  #configured(): ReadonlySet<string> {
    return new Set(this.#config.virtualServers.flatMap(({ id, marked }) => [id, ...marked]).map(serviceName))
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
  #sayMute(services: readonly PlannedService[], hops: Hops): void {
    const mute = muteServers(services, (address) => hops.get(address) === 'local')
    for (const sentence of mute) if (!this.#mute.has(sentence)) this.#log.error(sentence)
    this.#mute = mute
  }
}

const dropCounts = ({ drops }: CoreReading): Record<string, number> =>
  Object.fromEntries(Object.entries(drops).map(([reason, count]) => [reason, Number(count)]))
