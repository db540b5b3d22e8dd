import type { Pool } from '../balance/pool.ts'
import { endpointName, serviceName, type VirtualServer } from '../config/model.ts'
import type { ServerSnapshot, ServiceSnapshot } from '../control/snapshot.ts'
import type { Core } from '../forward/core.ts'
import type { Traffic as Counters } from '../balance/estimator.ts'
import type { Verdicts } from './verdicts.ts'

/** What the core says about one server. */
type Traffic = Pick<ServerSnapshot, 'weight' | 'active' | 'inactive' | 'counters'>

/** A virtual server as people see it: its configured servers, its sorry server, and those whose connections linger. */
export function serviceSnapshot(
  server: VirtualServer,
  pool: Pool | undefined,
  verdicts: Verdicts,
  core: Core,
): ServiceSnapshot {
  const name = serviceName(server.id)
  const inCore = [...core.destinations()].filter(([, { dest }]) => serviceName(dest.service) === name)
  const serviceSlot = inCore[0]?.[1].dest.serviceSlot

  const traffic = (endpoint: string): Traffic => {
    const [slot, held] = inCore.find(([, { dest }]) => endpointName(dest.endpoint) === endpoint) ?? []
    const planned = pool?.service.destinations.find((destination) => endpointName(destination.endpoint) === endpoint)
    return {
      weight: planned?.weight ?? 0,
      active: held?.load.active ?? 0,
      inactive: held?.load.inactive ?? 0,
      counters: plainNumbers(slot === undefined ? undefined : core.counters('dest', slot)),
    }
  }

  const real = server.realServers.map((each): ServerSnapshot => {
    const { up, since, reason } = verdicts.describe(server, each)
    const endpoint = endpointName(each.endpoint)
    return { name: endpoint, role: 'real', state: up ? 'up' : 'down', since, reason, ...traffic(endpoint) }
  })
  const sorry =
    server.sorryServer === undefined ? [] : [sorrySnapshot(endpointName(server.sorryServer.endpoint), pool, traffic)]
  const listed = new Set([...real, ...sorry].map((each) => each.name))
  const lingering = inCore
    .filter(([, { dest, load }]) => !listed.has(endpointName(dest.endpoint)) && load.active + load.inactive > 0)
    .map(([, { dest }]) => lingeringSnapshot(endpointName(dest.endpoint), traffic))
  return {
    name,
    protocol: server.id.by === 'address' ? server.id.protocol : 'any',
    scheduler: server.scheduler,
    method: server.method,
    quorum: pool?.quorum.up === true ? 'up' : 'down',
    counters: plainNumbers(serviceSlot === undefined ? undefined : core.counters('service', serviceSlot)),
    servers: [...real, ...sorry, ...lingering],
  }
}

function sorrySnapshot(name: string, pool: Pool | undefined, traffic: (name: string) => Traffic): ServerSnapshot {
  const serves = pool?.quorum.up === false
  const reason = serves ? 'quorum is lost' : 'serves when quorum is lost'
  return { name, role: 'sorry', state: serves ? 'up' : 'standby', since: undefined, reason, ...traffic(name) }
}

function lingeringSnapshot(name: string, traffic: (name: string) => Traffic): ServerSnapshot {
  const reason = 'its connections are ending'
  return { name, role: 'real', state: 'removed', since: undefined, reason, ...traffic(name) }
}

/** JSON has no bigint; a double counts exactly up to 9 · 10^15. */
function plainNumbers(counters: Counters | undefined): ServerSnapshot['counters'] {
  return {
    connections: Number(counters?.connections ?? 0),
    inPackets: Number(counters?.inPackets ?? 0),
    outPackets: Number(counters?.outPackets ?? 0),
    inBytes: Number(counters?.inBytes ?? 0),
    outBytes: Number(counters?.outBytes ?? 0),
  }
}
