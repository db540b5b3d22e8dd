import type { ForwardPlan, PlannedDestination, PlannedService } from '../../balance/plan.ts'
import { LONGEST_SEQUENCE } from '../../balance/wrr.ts'
import { schedulerTable } from '../../balance/scheduler-table.ts'
import { isOverThresholds } from '../../balance/threshold.ts'
import type { Hops } from '../../model/next-hop.ts'
import { MAX_ACCESS_PREFIXES, type ServiceId, serviceName } from '../../model/service.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { CoreFullError } from '../backend.ts'
import type { CoreState } from './core-state.ts'
import { hasOtherThresholds, isEdited, sameAccess, sameAddresses, sameDest, sameEntry, sameTable } from './equality.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import type { ServiceEntry } from './layout/service-layout.ts'
import { Slots } from './slots.ts'
import { inPhases, type Write } from './write.ts'

export interface Difference {
  readonly writes: readonly Write[]
  /** Servers that there is no room for; the others serve. */
  readonly leftOut: readonly Endpoint[]
}

/**
 * The writes that make the core do what the plan says, in an order in which every state between is right: see `write.ts`; services that
 * nobody wants and servers that no table names any more are removed last. Nothing is written that is there already. `hops` has the
 * servers' next hops. Throws CoreFullError when there is no room for a service or an access list.
 */
export function difference(state: CoreState, plan: ForwardPlan, hops: Hops): Difference {
  const prefixes = plan.services.reduce((sum, { access }) => sum + access.length, 0)
  if (prefixes > MAX_ACCESS_PREFIXES) throw new CoreFullError('prefixes in access lists', MAX_ACCESS_PREFIXES)
  if (plan.services.some(({ destinations }) => destinations.length > LONGEST_SEQUENCE)) {
    throw new CoreFullError('real servers of one service', LONGEST_SEQUENCE)
  }
  const slots = new Slots(state)
  const there: Services = new Map(state.services.map((service) => [serviceName(service.key), service]))
  const each = plan.services.map((service) => serviceDifference(state, there, service, slots, hops))
  const planned = each.flatMap(({ writes }) => writes)
  return {
    writes: [...inPhases(planned, state), ...removals(state, plan, planned, slots)],
    leftOut: each.flatMap(({ leftOut }) => leftOut),
  }
}

/** What the core holds, by name. */
type Services = ReadonlyMap<string, CoreState['services'][number]>

/** Everything that leads to a service. */
const keysOf = ({ id, marked }: PlannedService): ServiceId[] => [id, ...marked]

/** Of what is in the core and not planned. */
function removals(state: CoreState, plan: ForwardPlan, planned: readonly Write[], slots: Slots): Write[] {
  const names = new Set(plan.services.flatMap(keysOf).map(serviceName))
  const kept = new Set(planned.flatMap((write) => (write.type === 'service' ? [write.entry.slot] : [])))
  for (const { key, entry } of state.services) if (names.has(serviceName(key))) kept.add(entry.slot)
  const services = state.services.flatMap(({ key, entry }): Write[] =>
    names.has(serviceName(key)) ? [] : [{ type: 'delete-service', key, slot: entry.slot, last: !kept.has(entry.slot) }],
  )
  const servers = [...state.dests].flatMap(([slot, { dest }]): Write[] =>
    slots.isPlanned(slot) || dest.state !== 'present'
      ? []
      : [{ type: 'dest', slot, dest: { ...dest, state: 'removed', weight: 0 }, fresh: false }],
  )
  return [...services, ...servers]
}

function serviceDifference(
  state: CoreState,
  services: Services,
  service: PlannedService,
  slots: Slots,
  hops: Hops,
): Difference {
  const key = service.id
  const current = services.get(serviceName(key))
  const { slot: serviceSlot, left } = current === undefined ? slots.takeService(key) : { ...current.entry, left: [] }
  const writes: Write[] = []
  const leftOut: Endpoint[] = []
  let edited = false
  const destSlots = service.destinations.map((planned) => {
    const taken = slots.takeDest(key, planned.endpoint)
    if (taken === undefined) {
      leftOut.push(planned.endpoint)
      return undefined
    }
    const { slot, known } = taken
    const dest = destEntry(key, planned, serviceSlot, hops)
    if (known === undefined || !sameDest(known, dest)) {
      writes.push({ type: 'dest', slot, dest, fresh: known === undefined })
    }
    edited ||= known?.state !== 'present' || isEdited(known, dest)
    const load = state.dests.get(slot)?.load
    if (known !== undefined && load !== undefined && hasOtherThresholds(known, dest)) {
      const is = isOverThresholds(load.active + load.inactive, dest.thresholds)
      if (is !== undefined) writes.push({ type: 'overload', slot, is })
    }
    return slot
  })
  const addresses = service.localAddresses
  if (!sameAddresses(current?.localAddresses ?? [], addresses)) {
    writes.push({ type: 'local-addresses', slot: serviceSlot, addresses })
  }
  if (!sameAccess(current?.access ?? [], service.access)) {
    writes.push({ type: 'access', slot: serviceSlot, entries: service.access })
  }
  const table = laidTable(service, destSlots)
  // IPVS begins its round anew whenever a server is edited, also where the same sequence comes out.
  if (edited || current?.table === undefined || !sameTable(current.table, table)) {
    writes.push({ type: 'table', slot: serviceSlot, table })
  }
  const entry = serviceEntry(service, serviceSlot)
  for (const each of keysOf(service)) {
    const there = services.get(serviceName(each))
    if (there !== undefined && there.entry.slot === serviceSlot && sameEntry(there.entry, entry)) continue
    const fresh = each === key && current === undefined
    writes.push({ type: 'service', key: each, entry, fresh, left: fresh ? left : [] })
  }
  return { writes, leftOut }
}

/** `destSlots` are those of the service's destinations, in their order; undefined: there is no room for it. */
function laidTable(service: PlannedService, destSlots: readonly (number | undefined)[]): LaidTable {
  const { entries, levels, start } = schedulerTable(service)
  return {
    scheduler: service.scheduler,
    flags: service.flags,
    slots: entries.flatMap((position) => destSlots[position] ?? []),
    levels,
    start,
    weights: new Map(service.destinations.map(({ weight }, position) => [destSlots[position] ?? -1, weight])),
  }
}

function serviceEntry(service: PlannedService, slot: number): ServiceEntry {
  return {
    slot,
    scheduler: service.scheduler,
    flags: service.flags,
    persistence: service.persistence,
    onePacket: service.onePacket,
    idleSeconds: service.idleSeconds,
    listed: service.access.length > 0,
    throughFirewall: service.throughFirewall,
    byHand: service.byHand,
  }
}

function destEntry(service: ServiceId, planned: PlannedDestination, serviceSlot: number, hops: Hops): DestEntry {
  return {
    service,
    endpoint: planned.endpoint,
    forwarding: planned.forwarding,
    serviceSlot,
    state: 'present',
    weight: planned.weight,
    releasesClients: planned.releasesClients ?? false,
    thresholds: planned.thresholds,
    hop: hops.get(planned.endpoint.address),
  }
}
