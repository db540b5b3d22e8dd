import type { RealServer, VirtualServer } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'
import { type PlannedDestination, type PlannedService, planService } from './plan.ts'

/** Whether a virtual server has enough weight to serve. */
export interface Quorum {
  readonly up: boolean
}

/** A virtual server's pool with the verdicts of its real servers applied. */
export interface Pool {
  readonly quorum: Quorum
  readonly service: PlannedService
}

/** A pool, and what it was formed of. */
export interface FormedPool extends Pool {
  readonly server: VirtualServer
  /** Of each real server, in the order of the configuration. */
  readonly ups: readonly boolean[]
}

/**
 * The pool of before if it would come out the same: most pools are not touched by what happens to one server. `kept` is the
 * quorum that an earlier director has left, for the first pool.
 */
export function reformPool(
  server: VirtualServer,
  isUp: (real: RealServer) => boolean,
  before: FormedPool | undefined,
  kept: Quorum | undefined,
): FormedPool {
  const ups = server.realServers.map(isUp)
  if (before?.server === server && ups.every((up, i) => up === before.ups[i])) return before
  return { ...formPool(server, isUp, before?.quorum ?? kept), server, ups }
}

/**
 * Who serves, as keepalived decides it. Quorum is lost when the weights of working servers fall below quorum - hysteresis,
 * or to 0, and gained when they reach quorum + hysteresis. Without quorum the sorry server serves, and the working servers
 * do not. Without a sorry server they go on serving: quorum only tells people then. A server with inhibit_on_failure that
 * does not serve stays with weight 0 in either case.
 *
 * `isUp` says what the checkers think of a server; `before` is the quorum so far, undefined at the start.
 */
export function formPool(server: VirtualServer, isUp: (real: RealServer) => boolean, before: Quorum | undefined): Pool {
  const up = quorumHolds(server, isUp, before)
  const sorryServes = !up && server.sorryServer !== undefined
  const sorryName = sorryServes ? endpointName(server.sorryServer.endpoint) : undefined
  const serves = (real: RealServer) => !sorryServes && isUp(real)
  const destinations = server.realServers
    // The sorry server may be one of the real servers: then it is here once.
    .filter((real) => (serves(real) || real.inhibitOnFailure) && endpointName(real.endpoint) !== sorryName)
    .map((real): PlannedDestination => ({
      endpoint: real.endpoint,
      forwarding: real.forwarding,
      weight: serves(real) ? real.weight : 0,
      fullWeight: real.weight,
      thresholds: real.thresholds,
    }))
  if (sorryServes) {
    const thresholds = { upper: 0, lower: 0 }
    destinations.push({ ...server.sorryServer, weight: 1, fullWeight: 1, thresholds })
  }
  return { quorum: { up }, service: planService(server, destinations) }
}

function quorumHolds(
  { quorum, hysteresis, realServers }: VirtualServer,
  isUp: (real: RealServer) => boolean,
  before: Quorum | undefined,
): boolean {
  const weight = realServers.filter(isUp).reduce((sum, real) => sum + real.weight, 0)
  if (weight === 0) return false
  if (before === undefined) return weight >= quorum
  return before.up ? weight >= quorum - hysteresis : weight >= quorum + hysteresis
}
