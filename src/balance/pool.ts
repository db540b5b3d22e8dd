import { endpointIn, familyOf, type RealServer, type ServiceId, type VirtualServer } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'
import { type PlannedDestination, type PlannedService, planService } from './plan.ts'
import { isSameStanding, type Standing, weightNow } from './standing.ts'

/** Whether a virtual server has enough weight to serve. */
export interface Quorum {
  readonly up: boolean
}

/** A virtual server's pool with the verdicts of its real servers applied. */
export interface Pool {
  readonly quorum: Quorum
  /** Those that have a place in it, as the configuration names them. */
  readonly servers: readonly PlannedDestination[]
  /** Of each service of the virtual server, in its order. */
  readonly services: readonly PlannedService[]
}

/** A pool, and what it was formed of. */
export interface FormedPool extends Pool {
  readonly server: VirtualServer
  /** Of each real server, in the order of the configuration. */
  readonly standings: readonly Standing[]
}

/**
 * The pool of before if it would come out the same: most pools are not touched by what happens to one server. `kept` is the
 * quorum that an earlier director has left, for the first pool.
 */
export function reformPool(
  server: VirtualServer,
  standingOf: (real: RealServer) => Standing,
  before: FormedPool | undefined,
  kept: Quorum | undefined,
): FormedPool {
  const standings = server.realServers.map(standingOf)
  if (before?.server === server && standings.every((each, i) => isSameStanding(each, before.standings[i])))
    return before
  return { ...formPool(server, standings, before?.quorum ?? kept), server, standings }
}

/**
 * Who serves, as keepalived decides it. Quorum is lost when the weights of working servers fall below quorum - hysteresis,
 * or to 0, and gained when they reach quorum + hysteresis. Without quorum the sorry server serves, and the working servers
 * do not. Without a sorry server they go on serving: quorum only tells people then. A server with inhibit_on_failure that
 * does not serve stays with weight 0 in either case, and so does a sorry server with sorry_server_inhibit. One that starts slowly counts with its whole weight.
 *
 * `standings` are those of the real servers, in the order of the configuration; `before` is the quorum so far, undefined at the start.
 */
export function formPool(server: VirtualServer, standings: readonly Standing[], before: Quorum | undefined): Pool {
  const up = quorumHolds(server, standings, before)
  const sorryServes = !up && server.sorryServer !== undefined
  const sorryName = sorryServes ? endpointName(server.sorryServer.endpoint) : undefined
  const servers = server.realServers.flatMap((real, i): PlannedDestination[] => {
    const standing = standings[i]
    const serves = !sorryServes && standing?.up === true
    // The sorry server may be one of the real servers: then it is here once.
    if (!(serves || real.inhibitOnFailure) || endpointName(real.endpoint) === sorryName) return []
    const { endpoint, forwarding, thresholds } = real
    const current = standing === undefined ? 0 : weightNow(standing)
    const weight = serves ? current : 0
    const fullWeight = current === 0 ? real.weight : current
    const releasesClients = standing?.releasesClients === true
    return [{ endpoint, forwarding, weight, fullWeight, thresholds, releasesClients }]
  })
  if (server.sorryServer !== undefined && (sorryServes || server.sorryServer.inhibit === true)) {
    const { endpoint, forwarding } = server.sorryServer
    const isThere = servers.some((each) => endpointName(each.endpoint) === endpointName(endpoint))
    const thresholds = { upper: 0, lower: 0 }
    if (!isThere) servers.push({ endpoint, forwarding, weight: sorryServes ? 1 : 0, fullWeight: 1, thresholds })
  }
  const services = server.services.map((id) => planService(partOf(server, id), serversOf(id, servers)))
  return { quorum: { up }, servers, services }
}

/** What a service has of its virtual server. A group may have both families; a client of IPv4 is known by 32 bits at most. */
function partOf(server: VirtualServer, id: ServiceId): VirtualServer & { readonly id: ServiceId } {
  const { persistence } = server
  const isShort = persistence !== undefined && familyOf(id) === 'inet' && persistence.clientPrefix > 32
  return { ...server, id, persistence: isShort ? { ...persistence, clientPrefix: 32 } : persistence }
}

/** Those that differ in their port only may be one there: the last of them counts. */
function serversOf(id: ServiceId, servers: readonly PlannedDestination[]): readonly PlannedDestination[] {
  const there = servers.map((server) => ({ ...server, endpoint: endpointIn(id, server) }))
  return [...new Map(there.map((server) => [endpointName(server.endpoint), server])).values()]
}

/**
 * Whether it has quorum, as far as that is known: undefined when it hangs on servers of which nothing is known. `isKnown`: of each real
 * server, in the order of the configuration.
 */
export function knownQuorum(
  { server, standings, quorum }: FormedPool,
  isKnown: readonly boolean[],
): boolean | undefined {
  const holds = (up: boolean) =>
    quorumHolds(
      server,
      standings.map((each, i) => (isKnown[i] === true ? each : { ...each, up })),
      quorum,
    )
  return holds(true) === holds(false) ? quorum.up : undefined
}

function quorumHolds(
  { quorum, hysteresis }: VirtualServer,
  standings: readonly Standing[],
  before: Quorum | undefined,
): boolean {
  const weight = standings.reduce((sum, standing) => sum + (standing.up ? standing.weight : 0), 0)
  if (weight === 0) return false
  if (before === undefined) return weight >= quorum
  return before.up ? weight >= quorum - hysteresis : weight >= quorum + hysteresis
}
