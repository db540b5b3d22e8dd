import type { Traffic as Counters } from '../../model/traffic.ts'
import type { Pool } from '../../balance/pool.ts'
import { endpointName, serviceName, type VirtualServer } from '../../model/service.ts'
import type { AccessSnapshot, ServerSnapshot, ServiceSnapshot } from '../../control/snapshot.ts'
import type { AccessHits } from '../../model/trace.ts'
import type { Core } from '../../forward/ebpf/core.ts'
import { type HeldServer, HeldServers } from './held-servers.ts'
import type { Verdicts } from './verdicts.ts'

/** What the core says about one server. */
type Traffic = Pick<ServerSnapshot, 'weight' | 'active' | 'inactive' | 'persistent' | 'counters'>

/** Virtual servers as people see them: configured servers, sorry server, and those whose connections linger. */
export function serviceSnapshots(
  servers: readonly VirtualServer[],
  pools: ReadonlyMap<string, Pool>,
  verdicts: Verdicts,
  core: Core,
): ServiceSnapshot[] {
  const held = new HeldServers(core.destinations())
  const serverCounters = core.counters('dest', held.slots)
  const slots = new Map(core.services().map(({ key, entry }) => [serviceName(key), entry.slot]))
  const accessHits = core.access.hits(slots.values())
  const serviceCounters = core.counters('service', held.serviceSlots)
  return servers.map((server) => {
    const name = serviceName(server.id)
    const inCore = held.of(name)
    const [first] = inCore.values()
    const pool = pools.get(name)
    const weights = new Map(pool?.service.destinations.map((dest) => [endpointName(dest.endpoint), dest.weight]))
    const traffic = (endpoint: string): Traffic => {
      const there = inCore.get(endpoint)
      return {
        weight: weights.get(endpoint) ?? 0,
        active: there?.load.active ?? 0,
        inactive: there?.load.inactive ?? 0,
        persistent: there?.load.persistent ?? 0,
        counters: plainNumbers(there && serverCounters.get(there.slot)),
      }
    }
    return {
      name,
      protocol: server.id.by === 'address' ? server.id.protocol : 'any',
      scheduler: server.scheduler,
      method: server.method,
      quorum: pool?.quorum.up === true ? 'up' : 'down',
      counters: plainNumbers(first && serviceCounters.get(first.dest.serviceSlot)),
      access: server.access.length === 0 ? undefined : accessSnapshot(accessHits.get(slots.get(name) ?? -1)),
      servers: serverSnapshots(server, pool, verdicts, inCore, traffic),
    }
  })
}

/** Prefixes that are shown. */
const SHOWN_PREFIXES = 1000

function accessSnapshot(all: readonly AccessHits[] = []): AccessSnapshot {
  const others = all.find(({ prefix }) => prefix === undefined)
  const hits = all.flatMap(({ verdict, prefix, hits: count }) =>
    prefix === undefined ? [] : [{ verdict, prefix, hits: Number(count) }],
  )
  return {
    prefixes: hits.length,
    others: others?.verdict ?? 'deny',
    othersHits: Number(others?.hits ?? 0),
    hits: hits.toSorted((a, b) => b.hits - a.hits).slice(0, SHOWN_PREFIXES),
  }
}

function serverSnapshots(
  server: VirtualServer,
  pool: Pool | undefined,
  verdicts: Verdicts,
  inCore: ReadonlyMap<string, HeldServer>,
  traffic: (endpoint: string) => Traffic,
): ServerSnapshot[] {
  const sorryServes = pool?.quorum.up === false && server.sorryServer !== undefined
  const real = server.realServers.map((each): ServerSnapshot => {
    const { up, since, reason: said } = verdicts.describe(server, each)
    const endpoint = endpointName(each.endpoint)
    const reason = up && sorryServes ? `${said}; the sorry server serves: quorum is lost` : said
    return { name: endpoint, role: 'real', state: up ? 'up' : 'down', since, reason, ...traffic(endpoint) }
  })
  const sorry =
    server.sorryServer === undefined ? [] : [sorrySnapshot(endpointName(server.sorryServer.endpoint), pool, traffic)]
  const listed = new Set([...real, ...sorry].map((each) => each.name))
  const lingering = [...inCore]
    .filter(([endpoint, { load }]) => !listed.has(endpoint) && load.active + load.inactive > 0)
    .map(([endpoint]) => lingeringSnapshot(endpoint, traffic))
  return [...real, ...sorry, ...lingering]
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
