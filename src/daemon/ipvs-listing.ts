import type { PlannedService } from '../balance/plan.ts'
import { endpointName, serviceName } from '../config/model.ts'
import type { IpvsListing, ListedServer, ListedService } from '../control/ipvs.ts'
import type { Core } from '../forward/core.ts'
import type { Meters } from './meters.ts'

/** What the core does at the moment, as IPVS would list it. */
export function ipvsListing(services: readonly PlannedService[], core: Core, meters: Meters): IpvsListing {
  const slots = new Map(core.services().map(({ key, entry }) => [serviceName(key), entry.slot]))
  const dests = [...core.destinations()]
  return {
    size: core.maxConnections,
    timeouts: core.timeouts,
    services: services.map((service): ListedService => {
      const name = serviceName(service.id)
      const slot = slots.get(name) ?? -1
      const ofService = dests.filter(([, { dest }]) => serviceName(dest.service) === name)
      return {
        id: service.id,
        scheduler: service.scheduler,
        flags: service.flags,
        persistence: service.persistence,
        onePacket: service.onePacket,
        owner: service.byHand ? 'ipvsadm' : 'configuration',
        totals: meters.totals('service', slot),
        rates: meters.rates('service', slot),
        servers: service.destinations.map(({ endpoint, forwarding, weight, thresholds }): ListedServer => {
          const [destSlot = -1, held] =
            ofService.find(([, { dest }]) => endpointName(dest.endpoint) === endpointName(endpoint)) ?? []
          return {
            endpoint,
            forwarding,
            weight,
            thresholds,
            active: held?.load.active ?? 0,
            inactive: held?.load.inactive ?? 0,
            persistent: held?.load.persistent ?? 0,
            totals: meters.totals('dest', destSlot),
            rates: meters.rates('dest', destSlot),
          }
        }),
      }
    }),
  }
}
