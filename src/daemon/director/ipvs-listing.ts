import type { PlannedService } from '../../balance/plan.ts'
import { endpointName, serviceName } from '../../model/service.ts'
import type { IpvsListing, ListedServer, ListedService } from '../../model/ipvs-listing.ts'
import type { Core } from '../../forward/ebpf/core.ts'
import { HeldServers } from './held-servers.ts'
import { type Meters, NO_TOTALS } from './meters.ts'

/** What the core does at the moment, as IPVS would list it. */
export function ipvsListing(services: readonly PlannedService[], core: Core, meters: Meters): IpvsListing {
  const slots = new Map(core.services().map(({ key, entry }) => [serviceName(key), entry.slot]))
  const held = new HeldServers(core.destinations())
  const serviceTotals = meters.totals('service', slots.values())
  const serverTotals = meters.totals('dest', held.slots)
  return {
    size: core.maxConnections,
    timeouts: core.timeouts,
    services: services.map((service): ListedService => {
      const name = serviceName(service.id)
      const slot = slots.get(name) ?? -1
      const inCore = held.of(name)
      return {
        id: service.id,
        scheduler: service.scheduler,
        flags: service.flags,
        persistence: service.persistence,
        onePacket: service.onePacket,
        owner: service.byHand ? 'ipvsadm' : 'configuration',
        totals: serviceTotals.get(slot) ?? NO_TOTALS,
        rates: meters.rates('service', slot),
        servers: service.destinations.map(({ endpoint, forwarding, weight, thresholds }): ListedServer => {
          const there = inCore.get(endpointName(endpoint))
          const destSlot = there?.slot ?? -1
          return {
            endpoint,
            forwarding,
            weight,
            thresholds,
            active: there?.load.active ?? 0,
            inactive: there?.load.inactive ?? 0,
            persistent: there?.load.persistent ?? 0,
            totals: serverTotals.get(destSlot) ?? NO_TOTALS,
            rates: meters.rates('dest', destSlot),
          }
        }),
      }
    }),
  }
}
