import type { RealServer, VirtualServer } from '../config/model.ts'
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

/**
 * Who serves, as keepalived decides it. Quorum is lost when the weights of working servers fall below quorum - hysteresis,
 * or to 0, and gained when they reach quorum + hysteresis. Without quorum the sorry server serves, if there is one, and
 * the working servers do not.
 *
 * `isUp` says what the checkers think of a server; `before` is the quorum so far, undefined at the start.
 */
export function formPool(server: VirtualServer, isUp: (real: RealServer) => boolean, before: Quorum | undefined): Pool {
  const up = quorumHolds(server, isUp, before)
  const failed = server.realServers.filter((real) => !isUp(real) && real.inhibitOnFailure)
  const destination = (real: RealServer): PlannedDestination => ({
    endpoint: real.endpoint,
    forwarding: real.forwarding,
    weight: up && isUp(real) ? real.weight : 0,
    fullWeight: real.weight,
    thresholds: real.thresholds,
  })
  if (!up && server.sorryServer !== undefined) {
    const thresholds = { upper: 0, lower: 0 }
    const sorry = { ...server.sorryServer, weight: 1, fullWeight: 1, thresholds }
    return { quorum: { up }, service: planService(server, [...failed.map(destination), sorry]) }
  }
  const present = server.realServers.filter((real) => (up && isUp(real)) || failed.includes(real))
  return { quorum: { up }, service: planService(server, present.map(destination)) }
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
