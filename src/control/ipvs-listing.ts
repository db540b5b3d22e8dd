import type { Counted, CoreReading } from '../model/core-reading.ts'
import type { Counters, Rates } from '../model/counters.ts'
import type { ServerSpec, ServiceSpec } from '../model/ipvs.ts'
import type { IpvsListing, ListedServer, ListedService, Totals } from '../model/ipvs-listing.ts'
import { serviceName } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'
import { readServers } from './read-servers.ts'

/** What is planned of a service, with its servers in IPVS's list order. */
export interface PlannedListing extends ServiceSpec {
  readonly byHand: boolean
  readonly destinations: readonly ServerSpec[]
}

/** What the core does at the moment, as IPVS would list it. `rates` are by the run of what is counted. */
export function ipvsListing(
  services: readonly PlannedListing[],
  reading: CoreReading,
  rates: ReadonlyMap<number, Rates>,
): IpvsListing {
  const read = new Map(reading.services.map((each) => [serviceName(each.id), each]))
  const servers = readServers(reading)
  const measured = (counted: Counted | undefined) => ({
    totals: counted === undefined ? NOTHING : totalsOf(counted),
    rates: (counted && rates.get(counted.run)) ?? NOTHING,
  })
  return {
    size: reading.size,
    timeouts: reading.timeouts,
    services: services.map((service): ListedService => {
      const { id, scheduler, flags, persistence, onePacket } = service
      const name = serviceName(id)
      const inCore = servers.get(name)
      return {
        id,
        scheduler,
        flags,
        persistence,
        onePacket,
        owner: service.byHand ? 'ipvsadm' : 'configuration',
        ...measured(read.get(name)?.counted),
        servers: service.destinations.map(({ endpoint, forwarding, weight, thresholds }): ListedServer => {
          const there = inCore?.get(endpointName(endpoint))
          const { active, inactive, persistent } = there?.load ?? { active: 0, inactive: 0, persistent: 0 }
          const measures = measured(there?.counted)
          return { endpoint, forwarding, weight, thresholds, active, inactive, persistent, ...measures }
        }),
      }
    }),
  }
}

/** Of what the core does not hold. */
const NOTHING: Totals = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }

/** Since they were last set to zero. */
function totalsOf({ counters, zero }: Counted): Totals {
  const since = (kind: keyof Counters) => Number(counters[kind] - zero[kind])
  return {
    connections: since('connections'),
    inPackets: since('inPackets'),
    outPackets: since('outPackets'),
    inBytes: since('inBytes'),
    outBytes: since('outBytes'),
  }
}
