import type { Load } from '../../model/core-reading.ts'
import { type ServiceId, serviceName } from '../../model/service.ts'
import { type Endpoint, endpointName } from '../../model/endpoint.ts'
import { CoreFullError } from '../backend.ts'
import type { CoreState } from './core-state.ts'
import { MAX_DESTS, MAX_SERVICES } from './layout/bounds.ts'
import type { DestEntry } from './layout/destination-layout.ts'

/** A destination's identity: as in IPVS, one that comes back finds its connections and counts again. */
const identity = (service: ServiceId, endpoint: Endpoint) => `${serviceName(service)} ${endpointName(endpoint)}`

/** Hands out slots. A slot is free when nothing is planned for it and no connection refers to it any more. */
export class Slots {
  readonly #state: CoreState
  readonly #byIdentity = new Map<string, number>()
  readonly #services: Set<number>
  /** By the name of their service, the servers that are not free. */
  readonly #servers = new Map<
    string,
    { readonly slot: number; readonly serviceSlot: number; readonly inUse: boolean }[]
  >()
  readonly #planned = new Set<number>()
  /** Slots below these are known to be taken. */
  #freeService = 0
  #freeDest = 0

  constructor(state: CoreState) {
    this.#state = state
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

  /** Undefined when there is no room. */
  takeDest(
    service: ServiceId,
    endpoint: Endpoint,
  ): { readonly slot: number; readonly known: DestEntry | undefined } | undefined {
    const own = this.#byIdentity.get(identity(service, endpoint))
    if (own !== undefined && !this.#planned.has(own)) {
      this.#planned.add(own)
      return { slot: own, known: this.#state.dests.get(own)?.dest }
    }
    while (this.#isTaken(this.#freeDest)) this.#freeDest++
    const slot = this.#freeDest
    if (slot >= MAX_DESTS) return undefined
    this.#planned.add(slot)
    return { slot, known: undefined }
  }

  #isTaken(slot: number): boolean {
    const there = this.#state.dests.get(slot)
    return this.#planned.has(slot) || (there !== undefined && (there.dest.state === 'present' || inUse(there.load)))
  }
}

const inUse = (load: Load) => load.active > 0 || load.inactive > 0
