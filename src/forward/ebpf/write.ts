import type { AccessEntry, ServiceId } from '../../model/service.ts'
import type { Address } from '../../net/address.ts'
import type { CoreState } from './core-state.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import type { ServiceEntry } from './layout/service-layout.ts'

/** One write to the core's maps. */
export type Write =
  | { readonly type: 'dest'; readonly slot: number; readonly dest: DestEntry; readonly fresh: boolean }
  | { readonly type: 'table'; readonly slot: number; readonly table: LaidTable }
  /** What the servers of a full NAT see; none: the director's own address towards them. */
  | { readonly type: 'local-addresses'; readonly slot: number; readonly addresses: readonly Address[] }
  /**
   * Who may open connections; none: everybody. It takes the place of the list before in one step. A service that has no list any
   * more keeps an empty one, so that a packet that has just read of a list finds one.
   */
  | { readonly type: 'access'; readonly slot: number; readonly entries: readonly AccessEntry[] }
  /** By its new thresholds a server has too many connections for another one, or few enough. */
  | { readonly type: 'overload'; readonly slot: number; readonly is: boolean }
  | {
      readonly type: 'service'
      readonly key: ServiceId
      readonly entry: ServiceEntry
      readonly fresh: boolean
      /** Slots of the servers that an earlier service of this name has left: as in IPVS, their totals begin at 0 with a fresh one. */
      readonly left: readonly number[]
    }
  /** `last`: no other key leads to this service. */
  | { readonly type: 'delete-service'; readonly key: ServiceId; readonly slot: number; readonly last: boolean }

/**
 * What comes when, so that after every write each service whose plans before and now have a server that can serve finds one: first
 * what can serve more, then the tables, which say at once who is picked and how, and only then what can serve less.
 */
const PHASES = ['server', 'relief', 'local-addresses', 'access', 'table', 'quiesce', 'overload', 'service'] as const

function phaseOf(write: Write, state: CoreState): (typeof PHASES)[number] {
  switch (write.type) {
    case 'dest': {
      const before = state.dests.get(write.slot)?.dest.weight ?? 0
      return !write.fresh && before > 0 && write.dest.weight === 0 ? 'quiesce' : 'server'
    }
    case 'overload':
      return write.is ? 'overload' : 'relief'
    case 'local-addresses':
    case 'access':
    case 'table':
    case 'service':
      return write.type
    case 'delete-service':
      return 'service'
  }
}

/** Writes about what is planned, in the order of the phases. */
export function inPhases(writes: readonly Write[], state: CoreState): Write[] {
  const byPhase = Map.groupBy(writes, (write) => phaseOf(write, state))
  return PHASES.flatMap((phase) => byPhase.get(phase) ?? [])
}
