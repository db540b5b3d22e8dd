import { type AccessReading, accessHits } from '../model/access-hits.ts'
import {
  type CoreReading,
  type Load,
  NO_FAULTS,
  type ServerReading,
  type ServiceReading,
} from '../model/core-reading.ts'
import { type HandOn, handText } from '../model/hand.ts'
import type { Counters } from '../model/counters.ts'
import type { IpvsService } from '../model/ipvs.ts'
import { endpointIn, type ServiceId, serviceName, type VirtualServer } from '../model/service.ts'
import { type Endpoint, endpointName } from '../model/endpoint.ts'
import { type ReadServers, readServers } from './read-servers.ts'
import type { AccessSnapshot, AvailabilitySnapshot, ServerSnapshot, ServiceSnapshot } from './snapshot.ts'

/** What the checkers think of a real server, for people. */
export interface ServerVerdict {
  readonly up: boolean
  /** Since when it is so (ISO 8601). */
  readonly since: string | undefined
  readonly reason: string
  readonly byHand?: HandOn | undefined
  /** That they want it to have while it is up; undefined: that of the configuration. */
  readonly weight?: number
  readonly availability?: AvailabilitySnapshot | undefined
}

/** A virtual server of the configuration as it stands. */
export interface ConfiguredService {
  readonly server: VirtualServer
  /** Which of its services. */
  readonly id: ServiceId
  readonly hasQuorum: boolean
  readonly availability?: AvailabilitySnapshot | undefined
  /** Of those that have a place in the core, by the name of the endpoint. */
  readonly weights: ReadonlyMap<string, number>
  /** Of each real server, in the order of the configuration. */
  readonly verdicts: readonly ServerVerdict[]
}

/** What the core says about one server. */
type InCore = Pick<ServerSnapshot, 'weight' | 'active' | 'inactive' | 'persistent' | 'faults' | 'counters'>

/** Virtual servers as people see them, those of the configuration first: their servers, and those whose connections linger. */
export function serviceSnapshots(
  configured: readonly ConfiguredService[],
  byHand: readonly IpvsService[],
  reading: CoreReading,
): ServiceSnapshot[] {
  const services = new Map(reading.services.map((each) => [serviceName(each.id), each]))
  const servers = readServers(reading)
  return [
    ...configured.map((each) => configuredSnapshot(each, services, servers)),
    ...byHand.map((each) => handMadeSnapshot(each, services, servers)),
  ]
}

type Services = ReadonlyMap<string, ServiceReading>

function configuredSnapshot(
  { server, id, hasQuorum, availability, weights, verdicts }: ConfiguredService,
  services: Services,
  servers: ReadServers,
): ServiceSnapshot {
  const name = serviceName(id)
  const read = services.get(name)
  const inCore = inCoreOf(servers.get(name), weights)
  const real = server.realServers.map((each, i): ServerSnapshot => {
    const verdict = verdicts[i] ?? { up: true, since: undefined, reason: 'not checked yet' }
    const { byHand, reason: found, weight: wanted = each.weight } = verdict
    const asked = wanted === each.weight ? {} : { configuredWeight: each.weight }
    const up = verdict.up && byHand?.hand.type !== 'disable'
    const since = byHand === undefined ? verdict.since : byHand.at
    const said = byHand === undefined ? found : `${handText(byHand)}; ${found}`
    const sorryServes = !hasQuorum && server.sorryServer !== undefined
    const reason = up && sorryServes ? `${said}; the sorry server serves: quorum is lost` : said
    const endpoint = endpointName(endpointIn(id, each))
    return {
      name: endpoint,
      ...(each.host === undefined ? {} : { host: each.host }),
      role: 'real',
      state: up ? 'up' : 'down',
      since,
      reason,
      byHand,
      ...inCore(endpoint),
      ...asked,
      ...(verdict.availability === undefined ? {} : { availability: verdict.availability }),
    }
  })
  const sorryAt = server.sorryServer && endpointIn(id, server.sorryServer)
  const sorry = sorryAt === undefined ? [] : [sorrySnapshot(sorryAt, hasQuorum, inCore)]
  return {
    name,
    ...(server.name === name ? {} : { group: server.name }),
    owner: 'configuration',
    protocol: protocolOf(id),
    scheduler: server.scheduler,
    method: server.method,
    quorum: hasQuorum ? 'up' : 'down',
    ...(availability === undefined ? {} : { availability }),
    counters: plainNumbers(read?.counted.counters),
    access: server.access.length === 0 ? undefined : accessSnapshot(read?.access),
    servers: withLingering([...real, ...sorry], servers.get(name), inCore),
  }
}

/** Nobody checks its servers, and it has no quorum to lose. */
function handMadeSnapshot(service: IpvsService, services: Services, servers: ReadServers): ServiceSnapshot {
  const name = serviceName(service.id)
  const weights = new Map(service.servers.map(({ endpoint, weight }) => [endpointName(endpoint), weight]))
  const inCore = inCoreOf(servers.get(name), weights)
  const methods = new Set(service.servers.map(({ forwarding }) => forwarding.method))
  const real = service.servers.map(({ endpoint }): ServerSnapshot => {
    const server = endpointName(endpoint)
    return { name: server, role: 'real', state: 'up', since: undefined, reason: 'not checked', ...inCore(server) }
  })
  return {
    name,
    owner: 'ipvsadm',
    protocol: protocolOf(service.id),
    scheduler: service.scheduler,
    method: methods.size === 1 ? [...methods][0] : undefined,
    quorum: undefined,
    counters: plainNumbers(services.get(name)?.counted.counters),
    access: undefined,
    servers: withLingering(real, servers.get(name), inCore),
  }
}

const protocolOf = (id: ServiceId): ServiceSnapshot['protocol'] => (id.by === 'address' ? id.protocol : 'any')

/** Of what the core does not hold. */
const NO_LOAD: Load = { active: 0, inactive: 0, persistent: 0, ...NO_FAULTS }

function inCoreOf(
  servers: ReadonlyMap<string, ServerReading> | undefined,
  weights: ReadonlyMap<string, number>,
): (endpoint: string) => InCore {
  return (endpoint) => {
    const there = servers?.get(endpoint)
    const { active, inactive, persistent, unanswered, refused, reset } = there?.load ?? NO_LOAD
    const counters = plainNumbers(there?.counted.counters)
    const faults = { unanswered, refused, reset }
    return { weight: weights.get(endpoint) ?? 0, active, inactive, persistent, faults, counters }
  }
}

/** Prefixes that are shown. */
const SHOWN_PREFIXES = 1000

function accessSnapshot(list: AccessReading | undefined): AccessSnapshot {
  const all = list === undefined ? [] : accessHits(list)
  const others = all.find(({ prefix }) => prefix === undefined)
  const hits = all.flatMap(({ verdict, prefix, hits: count }) =>
    prefix === undefined ? [] : [{ verdict, prefix, hits: Number(count) }],
  )
  return {
    prefixes: hits.length,
    others: others?.verdict ?? 'deny',
    othersHits: Number(others?.hits ?? 0),
    hits: hits.toSorted((a, b) => b.hits - a.hits).slice(0, SHOWN_PREFIXES),
  }
}

function sorrySnapshot(endpoint: Endpoint, hasQuorum: boolean, inCore: (endpoint: string) => InCore): ServerSnapshot {
  const name = endpointName(endpoint)
  const reason = hasQuorum ? 'serves when quorum is lost' : 'quorum is lost'
  return { name, role: 'sorry', state: hasQuorum ? 'standby' : 'up', since: undefined, reason, ...inCore(name) }
}

/** With servers that are gone while some of their connections are left. */
function withLingering(
  listed: readonly ServerSnapshot[],
  servers: ReadonlyMap<string, ServerReading> | undefined,
  inCore: (endpoint: string) => InCore,
): ServerSnapshot[] {
  const names = new Set(listed.map(({ name }) => name))
  const lingering = [...(servers ?? [])].flatMap(([name, { load }]): ServerSnapshot[] => {
    if (names.has(name) || load.active + load.inactive === 0) return []
    const reason = 'its connections are ending'
    return [{ name, role: 'real', state: 'removed', since: undefined, reason, ...inCore(name) }]
  })
  return [...listed, ...lingering]
}

/** JSON has no bigint; a double counts exactly up to 9 · 10^15. */
function plainNumbers(counters: Counters | undefined): ServerSnapshot['counters'] {
  return {
    connections: Number(counters?.connections ?? 0),
    inPackets: Number(counters?.inPackets ?? 0),
    outPackets: Number(counters?.outPackets ?? 0),
    inBytes: Number(counters?.inBytes ?? 0),
    outBytes: Number(counters?.outBytes ?? 0),
  }
}
