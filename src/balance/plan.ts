import type { Endpoint, ForwardingMethod, Protocol, VirtualServer } from '../config/model.ts'
import { wrrSequence } from './wrr.ts'

/** What the forwarding core should do: a value, made from configuration and verdicts. */
export interface ForwardPlan {
  readonly services: readonly PlannedService[]
}

export interface PlannedService {
  readonly vip: Endpoint
  readonly protocol: Protocol
  readonly table: SchedulerTable
  /** All servers that have a place in the core, in IPVS's list order: the one added last is first. */
  readonly destinations: readonly PlannedDestination[]
}

export interface PlannedDestination {
  readonly endpoint: Endpoint
  readonly method: ForwardingMethod
  /** 0: quiesced. Its connections go on, and it gets no new ones. */
  readonly weight: number
}

/** What the program picks from. Numbers are positions in `destinations`. */
export type SchedulerTable =
  /** Walked by a cursor, entry by entry. */
  | { readonly kind: 'sequence'; readonly entries: readonly number[] }
  /** Searched for the least loaded by weight. */
  | { readonly kind: 'least-connections'; readonly entries: readonly number[] }

/** A service's pool as it stands at the moment. `servers` are in the order of the configuration. */
export function planService(
  server: Pick<VirtualServer, 'vip' | 'protocol' | 'scheduler'>,
  servers: readonly PlannedDestination[],
): PlannedService {
  const destinations = servers.toReversed()
  return { vip: server.vip, protocol: server.protocol, destinations, table: tableFor(server, destinations) }
}

function tableFor(
  { scheduler }: Pick<VirtualServer, 'scheduler'>,
  destinations: readonly PlannedDestination[],
): SchedulerTable {
  const weights = destinations.map(({ weight }) => weight)
  switch (scheduler) {
    case 'rr':
      return { kind: 'sequence', entries: [...weights.keys()].filter((i) => weights[i] !== 0) }
    case 'wrr':
      return { kind: 'sequence', entries: wrrSequence(weights) }
    case 'wlc':
      return { kind: 'least-connections', entries: [...weights.keys()] }
  }
}
