import type {
  AccessEntry,
  AddressService,
  Endpoint,
  Forwarding,
  Persistence,
  Scheduler,
  SchedulerFlags,
  ServiceId,
  Thresholds,
  VirtualServer,
} from '../model/service.ts'
import type { Address } from '../net/address.ts'
import { destinationHashTable, maglevTable, sourceHashTable } from './hash-tables.ts'
import { changedLevel, wrrSequence } from './wrr.ts'

/** What the forwarding core should do: a value, made from configuration and verdicts. */
export interface ForwardPlan {
  readonly services: readonly PlannedService[]
}

export interface PlannedService {
  readonly id: ServiceId
  /** Further addresses that are the same service: one scheduler, one set of servers, one memory of clients. */
  readonly marked: readonly AddressService[]
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly persistence: Persistence | undefined
  readonly onePacket: boolean
  readonly localAddresses: readonly Address[]
  readonly idleSeconds: number | undefined
  /** See VirtualServer. */
  readonly access: readonly AccessEntry[]
  readonly throughFirewall: boolean
  /** Made by tanist-ipvsadm, not by the configuration. */
  readonly byHand: boolean
  readonly table: SchedulerTable
  /** All servers that have a place in the core, in IPVS's list order: the one added last is first. */
  readonly destinations: readonly PlannedDestination[]
}

export interface PlannedDestination {
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  /** 0: quiesced. Its connections go on, and it gets no new ones. */
  readonly weight: number
  /** Its weight when it is not quiesced; a Maglev table is built from it. */
  readonly fullWeight: number
  readonly thresholds: Thresholds
}

/** What the program picks from. */
export interface SchedulerTable {
  /** Positions in `destinations`: a sequence, the buckets of a hash, or the whole list. */
  readonly entries: readonly number[]
  /** wrr: the current weight at each entry. */
  readonly levels: readonly number[]
  /** rr, wrr: the entry that a new service begins with. */
  readonly start: number
}

/** A service's pool as it stands at the moment. `servers` are in the order of the configuration. */
export function planService(
  server: Pick<
    VirtualServer,
    | 'id'
    | 'marked'
    | 'scheduler'
    | 'schedulerFlags'
    | 'persistence'
    | 'onePacket'
    | 'localAddresses'
    | 'idleSeconds'
    | 'access'
    | 'throughFirewall'
  >,
  servers: readonly PlannedDestination[],
  byHand = false,
): PlannedService {
  const { id, marked, scheduler, schedulerFlags: flags, persistence, onePacket, localAddresses, idleSeconds } = server
  const { access, throughFirewall } = server
  const destinations = servers.toReversed()
  const table = tableFor(scheduler, destinations)
  return {
    id,
    marked,
    scheduler,
    flags,
    persistence,
    onePacket,
    localAddresses,
    idleSeconds,
    access,
    throughFirewall,
    byHand,
    destinations,
    table,
  }
}

function tableFor(scheduler: Scheduler, destinations: readonly PlannedDestination[]): SchedulerTable {
  const list = (entries: readonly number[]): SchedulerTable => ({ entries, levels: [], start: 0 })
  const hashed = destinations.map(({ endpoint, weight, fullWeight }) => ({
    ...endpoint,
    weight,
    lastWeight: fullWeight,
  }))
  switch (scheduler) {
    case 'wrr':
      return wrrSequence(destinations.map(({ weight }) => weight))
    case 'dh':
      return list(destinationHashTable(hashed))
    case 'sh':
      return list(sourceHashTable(hashed))
    case 'mh':
      return list(maglevTable(hashed))
    case 'rr':
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'fo':
    case 'ovf':
    case 'lblc':
    case 'lblcr':
    case 'twos':
      return list([...destinations.keys()])
    case 'none':
      return list([])
  }
}

/** A table of slots, as the core holds it, with all that picks from it go by. */
export interface LaidTable {
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly slots: readonly number[]
  readonly levels: readonly number[]
  /** The weight of each slot when the table was made. */
  readonly weights: ReadonlyMap<number, number>
  readonly start: number
}

/**
 * Where a round robin goes on when its table is replaced, as in IPVS: rr after the server that was last picked, or the one
 * before it when that is gone; wrr at its current weight, from the head of the list; and a service that gets another scheduler
 * begins anew with all its servers there. `next` is the entry of the old table that would have come next, and `picked` says
 * whether anything was picked from it.
 */
export function resume(before: LaidTable, next: number, picked: boolean, now: LaidTable): number {
  if (before.weights.size === 0) return now.start
  if (before.scheduler !== now.scheduler) return 0
  if (now.scheduler === 'wrr') {
    const { length } = before.levels
    const last = before.levels[picked ? (next - 1 + length) % length : next] ?? 0
    return Math.max(0, now.levels.indexOf(changedLevel(last, [...now.weights.values()])))
  }
  for (let index = next - 1; index >= 0; index--) {
    const place = now.slots.indexOf(before.slots[index] ?? -1)
    if (place !== -1) return place + 1
  }
  return 0
}
