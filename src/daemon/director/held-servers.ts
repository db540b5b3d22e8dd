import { endpointName, serviceName } from '../../model/service.ts'
import type { CoreState } from '../../forward/ebpf/core-state.ts'

type Destinations = CoreState['dests']

/** A real server that the core holds. */
export type HeldServer = (Destinations extends ReadonlyMap<number, infer Held> ? Held : never) & {
  readonly slot: number
}

/** The core's real servers by service and endpoint, as they were at one moment. */
export class HeldServers {
  readonly #byService = new Map<string, Map<string, HeldServer>>()
  readonly slots: readonly number[]
  readonly serviceSlots: ReadonlySet<number>

  constructor(destinations: Destinations) {
    for (const [slot, held] of destinations) {
      const service = serviceName(held.dest.service)
      const servers = this.#byService.get(service) ?? new Map<string, HeldServer>()
      this.#byService.set(service, servers)
      const endpoint = endpointName(held.dest.endpoint)
      if (!servers.has(endpoint)) servers.set(endpoint, { ...held, slot })
    }
    this.slots = [...destinations.keys()]
    this.serviceSlots = new Set([...destinations.values()].map(({ dest }) => dest.serviceSlot))
  }

  of(service: string): ReadonlyMap<string, HeldServer> {
    return this.#byService.get(service) ?? new Map<string, HeldServer>()
  }
}
