import type { ForwardPlan, LaidTable, PlannedDestination, PlannedService } from '../../balance/plan.ts'
import { isOverThresholds } from '../../balance/threshold.ts'
import {
  type AccessEntry,
  type Endpoint,
  endpointName,
  MAX_ACCESS_PREFIXES,
  type SchedulerFlags,
  type ServiceId,
  serviceName,
} from '../../model/service.ts'
import type { Address } from '../../net/address.ts'
import { type DestEntry, type Load, MAX_DESTS, MAX_SERVICES, type ServiceEntry } from './layout.ts'
import type { Hop } from '../../model/next-hop.ts'

/**
 * What the core holds, as read from its maps. They are the only memory: a restarted daemon continues from them. A table is
 * undefined when this process has not written it.
 */
export interface CoreState {
  readonly services: readonly {
    readonly key: ServiceId
    readonly entry: ServiceEntry
    readonly table: LaidTable | undefined
    readonly localAddresses: readonly Address[]
    readonly access: readonly AccessEntry[]
  }[]
  /** Every slot that has been used, with the connections that still refer to it. */
  readonly dests: ReadonlyMap<number, { readonly dest: DestEntry; readonly load: Load }>
}

/** One write to the core's maps. */
export type Write =
  | { readonly type: 'dest'; readonly slot: number; readonly dest: DestEntry; readonly fresh: boolean }
  | { readonly type: 'table'; readonly slot: number; readonly table: LaidTable }
  /** What the servers of a full NAT see; none: the director's own address towards them. */
  | { readonly type: 'pool'; readonly slot: number; readonly addresses: readonly Address[] }
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

/** The plan needs more than the core has room for. */
export class CoreFullError extends Error {
  constructor(what: string, limit: number) {
    super(`the forwarding core holds at most ${limit} ${what}`)
    this.name = 'CoreFullError'
  }
}

/** A destination's identity: as in IPVS, one that comes back finds its connections and counts again. */
const identity = (service: ServiceId, endpoint: Endpoint) => `${serviceName(service)} ${endpointName(endpoint)}`

/**
 * What comes when, so that after every write each service whose plans before and now have a server that can serve finds one: first
 * what can serve more, then the tables, which say at once who is picked and how, and only then what can serve less.
 */
const PHASES = ['server', 'relief', 'pool', 'access', 'table', 'quiesce', 'overload', 'service'] as const

function phaseOf(write: Write, state: CoreState): (typeof PHASES)[number] {
  switch (write.type) {
    case 'dest': {
      const before = state.dests.get(write.slot)?.dest.weight ?? 0
      return !write.fresh && before > 0 && write.dest.weight === 0 ? 'quiesce' : 'server'
    }
    case 'overload':
      return write.is ? 'overload' : 'relief'
    case 'pool':
    case 'access':
    case 'table':
    case 'service':
      return write.type
    case 'delete-service':
      return 'service'
  }
}

/**
 * The writes that make the core do what the plan says, in an order in which every state between is right: see PHASES; services that
 * nobody wants and servers that no table names any more are removed last. Nothing is written that is there already. `hop` resolves
 * a real server's next hop. Throws CoreFullError; then nothing has been decided. With `leaveOut` servers that there is no room for
 * are told to it instead, and the others serve.
 */
export function difference(
  state: CoreState,
  plan: ForwardPlan,
  hop: (address: Address) => Hop | undefined,
  leaveOut?: (endpoint: Endpoint) => void,
): Write[] {
  const prefixes = plan.services.reduce((sum, { access }) => sum + access.length, 0)
  if (prefixes > MAX_ACCESS_PREFIXES) throw new CoreFullError('prefixes in access lists', MAX_ACCESS_PREFIXES)
  const slots = new Slots(state, leaveOut === undefined)
  const there: Services = new Map(state.services.map((service) => [serviceName(service.key), service]))
  const each = plan.services.flatMap((service) => serviceWrites(state, there, service, slots, hop, leaveOut))
  const byPhase = Map.groupBy(each, (write) => phaseOf(write, state))
  const writes = PHASES.flatMap((phase) => byPhase.get(phase) ?? [])
  const planned = new Set(plan.services.flatMap(keysOf).map(serviceName))
  const kept = new Set(each.flatMap((write) => (write.type === 'service' ? [write.entry.slot] : [])))
  for (const { key, entry } of state.services) if (planned.has(serviceName(key))) kept.add(entry.slot)
  for (const { key, entry } of state.services) {
    if (planned.has(serviceName(key))) continue
    writes.push({ type: 'delete-service', key, slot: entry.slot, last: !kept.has(entry.slot) })
  }
  for (const [slot, { dest }] of state.dests) {
    if (slots.isPlanned(slot) || dest.state !== 'present') continue
    writes.push({ type: 'dest', slot, dest: { ...dest, state: 'removed', weight: 0 }, fresh: false })
  }
  return writes
}

/** What the core holds, by name. */
type Services = ReadonlyMap<string, CoreState['services'][number]>

/** Everything that leads to a service. */
const keysOf = ({ id, marked }: PlannedService): ServiceId[] => [id, ...marked]

function serviceWrites(
  state: CoreState,
  services: Services,
  service: PlannedService,
  slots: Slots,
  hop: (address: Address) => Hop | undefined,
  leaveOut?: (endpoint: Endpoint) => void,
): Write[] {
  const key = service.id
  const current = services.get(serviceName(key))
  const { slot: serviceSlot, left } = current === undefined ? slots.takeService(key) : { ...current.entry, left: [] }
  const writes: Write[] = []
  let edited = false
  const destSlots = service.destinations.map((planned) => {
    const taken = slots.takeDest(identity(key, planned.endpoint))
    if (taken === undefined) {
      leaveOut?.(planned.endpoint)
      return undefined
    }
    const { slot, known } = taken
    const dest = destEntry(key, planned, serviceSlot, hop)
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
  const entry: ServiceEntry = {
    slot: serviceSlot,
    scheduler: service.scheduler,
    flags: service.flags,
    persistence: service.persistence,
    onePacket: service.onePacket,
    idleSeconds: service.idleSeconds,
    listed: service.access.length > 0,
    throughFirewall: service.throughFirewall,
    byHand: service.byHand,
  }
  const addresses = service.localAddresses
  if (!sameAddresses(current?.localAddresses ?? [], addresses)) {
    writes.push({ type: 'pool', slot: serviceSlot, addresses })
  }
  if (!sameAccess(current?.access ?? [], service.access)) {
    writes.push({ type: 'access', slot: serviceSlot, entries: service.access })
  }
  const table: LaidTable = {
    scheduler: service.scheduler,
    flags: service.flags,
    slots: service.table.entries.flatMap((position) => destSlots[position] ?? []),
    levels: service.table.levels,
    start: service.table.start,
    weights: new Map(service.destinations.map(({ weight }, position) => [destSlots[position] ?? -1, weight])),
  }
  // IPVS begins its round anew whenever a server is edited, also where the same sequence comes out.
  if (edited || current?.table === undefined || !sameTable(current.table, table)) {
    writes.push({ type: 'table', slot: serviceSlot, table })
  }
  for (const each of keysOf(service)) {
    const there = services.get(serviceName(each))
    if (there !== undefined && there.entry.slot === serviceSlot && sameEntry(there.entry, entry)) continue
    const fresh = each === key && current === undefined
    writes.push({ type: 'service', key: each, entry, fresh, left: fresh ? left : [] })
  }
  return writes
}

function destEntry(
  service: ServiceId,
  planned: PlannedDestination,
  serviceSlot: number,
  hop: (address: Address) => Hop | undefined,
): DestEntry {
  return {
    service,
    endpoint: planned.endpoint,
    forwarding: planned.forwarding,
    serviceSlot,
    state: 'present',
    weight: planned.weight,
    thresholds: planned.thresholds,
    hop: hop(planned.endpoint.address),
  }
}

function sameDest(a: DestEntry, b: DestEntry): boolean {
  return a.state === b.state && !isEdited(a, b) && a.serviceSlot === b.serviceSlot && isSameWay(a, b)
}

/** Most often both are the same objects, which saves writing them down. */
const isSameWay = (a: DestEntry, b: DestEntry) =>
  (a.hop === b.hop && a.forwarding === b.forwarding) || wayTo(a) === wayTo(b)

/** One text for one way; should the same way come out as two, a value is written again that is there. */
const wayTo = ({ forwarding, hop }: DestEntry): string => JSON.stringify([forwarding, hop])

const sameTable = (a: LaidTable, b: LaidTable) =>
  a.scheduler === b.scheduler &&
  sameFlags(a.flags, b.flags) &&
  a.slots.length === b.slots.length &&
  a.slots.every((slot, i) => slot === b.slots[i]) &&
  a.weights.size === b.weights.size

const sameFlags = (a: SchedulerFlags, b: SchedulerFlags) =>
  a.port === b.port && a.fallback === b.fallback && a.third === b.third

const sameAddresses = (a: readonly Address[], b: readonly Address[]) =>
  a.length === b.length && a.every((address, i) => address === b[i])

const sameAccess = (a: readonly AccessEntry[], b: readonly AccessEntry[]) =>
  a === b ||
  (a.length === b.length &&
    a.every(({ verdict, address, length }, i) => {
      const other = b[i]
      return verdict === other?.verdict && address === other.address && length === other.length
    }))

const isEdited = (a: DestEntry, b: DestEntry) =>
  a.weight !== b.weight || a.thresholds.upper !== b.thresholds.upper || a.thresholds.lower !== b.thresholds.lower

const sameEntry = (a: ServiceEntry, b: ServiceEntry) =>
  a.scheduler === b.scheduler &&
  sameFlags(a.flags, b.flags) &&
  a.onePacket === b.onePacket &&
  a.idleSeconds === b.idleSeconds &&
  a.listed === b.listed &&
  a.throughFirewall === b.throughFirewall &&
  a.byHand === b.byHand &&
  a.persistence?.timeoutSeconds === b.persistence?.timeoutSeconds &&
  a.persistence?.clientPrefix === b.persistence?.clientPrefix &&
  a.persistence?.engine === b.persistence?.engine

const hasOtherThresholds = ({ thresholds: before }: DestEntry, { thresholds: now }: DestEntry) =>
  before.upper !== now.upper || before.lower !== now.lower

/** Hands out slots. A slot is free when nothing is planned for it and no connection refers to it any more. */
class Slots {
  readonly #state: CoreState
  readonly #byIdentity = new Map<string, number>()
  readonly #services: Set<number>
  /** By the name of their service, the servers that are not free. */
  readonly #servers = new Map<
    string,
    { readonly slot: number; readonly serviceSlot: number; readonly inUse: boolean }[]
  >()
  readonly #planned = new Set<number>()
  readonly #strict: boolean
  /** Slots below these are known to be taken. */
  #freeService = 0
  #freeDest = 0

  /** `strict`: that there is no room for a server is an error. */
  constructor(state: CoreState, strict: boolean) {
    this.#state = state
    this.#strict = strict
    for (const [slot, { dest, load }] of state.dests) {
      if (dest.state === 'free') continue
      this.#byIdentity.set(identity(dest.service, dest.endpoint), slot)
      const { serviceSlot } = dest
      const name = serviceName(dest.service)
      const servers = this.#servers.get(name) ?? []
      this.#servers.set(name, servers)
      servers.push({ slot, serviceSlot, inUse: inUse(load) })
    }
    // A service's slot carries the counters of its removed servers, too, until their connections have ended.
    const lingering = [...state.dests.values()].filter(({ dest, load }) => dest.state !== 'free' && inUse(load))
    this.#services = new Set([
      ...state.services.map(({ entry }) => entry.slot),
      ...lingering.map(({ dest }) => dest.serviceSlot),
    ])
  }

  isPlanned(slot: number): boolean {
    return this.#planned.has(slot)
  }

  /** As in IPVS, a service that is made anew goes on with the connections that the one before has left. */
  takeService(service: ServiceId): { readonly slot: number; readonly left: readonly number[] } {
    const servers = this.#servers.get(serviceName(service)) ?? []
    const slot = servers.find((server) => server.inUse)?.serviceSlot ?? this.#takeFreeService()
    return { slot, left: servers.map((server) => server.slot) }
  }

  #takeFreeService(): number {
    while (this.#services.has(this.#freeService)) this.#freeService++
    if (this.#freeService < MAX_SERVICES) return this.#freeService++
    throw new CoreFullError('services', MAX_SERVICES)
  }

  takeDest(name: string): { slot: number; known: DestEntry | undefined } | undefined {
    const own = this.#byIdentity.get(name)
    if (own !== undefined && !this.#planned.has(own)) {
      this.#planned.add(own)
      return { slot: own, known: this.#state.dests.get(own)?.dest }
    }
    while (this.#isTaken(this.#freeDest)) this.#freeDest++
    const slot = this.#freeDest
    if (slot < MAX_DESTS) {
      this.#planned.add(slot)
      return { slot, known: undefined }
    }
    if (this.#strict) throw new CoreFullError('real servers', MAX_DESTS)
    return undefined
  }

  #isTaken(slot: number): boolean {
    const there = this.#state.dests.get(slot)
    return this.#planned.has(slot) || (there !== undefined && (there.dest.state === 'present' || inUse(there.load)))
  }
}

const inUse = (load: Load) => load.active > 0 || load.inactive > 0
