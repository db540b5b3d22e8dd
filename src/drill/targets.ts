import { endpointIn, othersVerdict, type VirtualServer } from '../model/service.ts'
import { type Address, isIpv4, isLinkLocal } from '../net/address.ts'
import { holds } from '../net/address-range.ts'
import type { Pair } from './lans.ts'
import type { Machines } from './machines.ts'
import { addressServices, ANY_PORT } from './real-servers.ts'
import { DIRECTORS } from './recording.ts'
import type { Roles } from './roles.ts'
import type { PlannedTarget, PlannedTargets } from './topology.ts'

/** Targets of one kind. */
const MOST_TARGETS = 256

/** What the client of a lab can ask: services with a server that is there, in the order of the files, and virtual addresses. */
export function targetsOf(
  pair: Pair,
  roles: Roles,
  machines: Machines,
  say: (sentence: string) => void,
): PlannedTargets {
  const found = new Map<string, PlannedTarget>()
  for (const server of DIRECTORS.flatMap((director) => pair[director].virtualServers)) {
    for (const id of addressServices(server)) {
      const { address, port } = id.vip
      if (!roles.isThere(address) || isLinkLocal(address) || id.protocol === 'SCTP') continue
      const client = machines.clientAddresses.find((each) => isIpv4(each) === isIpv4(address))
      if (client === undefined) continue
      if (!isAllowed(server, client)) {
        say(
          `virtual_server ${server.name}: its access list keeps out ${client}, the client of the lab, so that no client asks it.`,
        )
        continue
      }
      const talk = talkOf(server, id, machines)
      if (talk !== undefined) found.set(`${talk} ${address} ${port}`, { address, port: port || ANY_PORT, talk })
    }
  }
  const all = [...found.values()]
  const closed = new Set(DIRECTORS.flatMap((director) => pair[director].closed))
  const pinged = roles.held.filter((vip) => !isLinkLocal(vip) && !closed.has(vip) && machines.reaches(vip))
  return {
    udp: all.filter(({ talk }) => talk === 'udp').slice(0, MOST_TARGETS),
    tcp: all.filter(({ talk }) => talk !== 'udp').slice(0, MOST_TARGETS),
    icmp: pinged.slice(0, MOST_TARGETS),
  }
}

/** What its played servers talk to clients; undefined: nothing that the client understands. */
function talkOf(
  server: VirtualServer,
  id: ReturnType<typeof addressServices>[number],
  machines: Machines,
): PlannedTarget['talk'] | undefined {
  for (const real of server.realServers) {
    const played = machines.servers.find(({ address }) => address === real.endpoint.address)
    if (played === undefined) continue
    if (id.protocol === 'UDP') return 'udp'
    const port = endpointIn(id, real).port || ANY_PORT
    const talk = played.talks.tcp.find((each) => each.port === port)?.talk
    if (talk === 'http' || talk === 'https') return talk
  }
  return undefined
}

function isAllowed({ access }: VirtualServer, client: Address): boolean {
  const about = access.filter(({ address, length }) => holds({ address, length }, client))
  const [nearest] = about.toSorted((a, b) => b.length - a.length)
  return (nearest?.verdict ?? othersVerdict(access)) === 'allow'
}
