import type { RealServer, ServiceId } from '../model/service.ts'
import { type Address, isIpv4 } from '../net/address.ts'

/** Who serves what, whatever the checks say of it at the moment. */
export interface Pool {
  readonly ids: readonly ServiceId[]
  readonly servers: readonly Pick<RealServer, 'endpoint' | 'forwarding'>[]
}

/**
 * A real server beside this director itself. If it is a director, too, as in a cluster of two machines, then what it sends to the
 * virtual address has been balanced there. `vip` is undefined where any address of the family may be meant.
 */
export interface FellowServer {
  readonly family: 4 | 6
  readonly vip: Address | undefined
  readonly server: Address
}

/**
 * Of all services that this director is a real server of, the other servers. Only with direct routing and tunnels: these leave the
 * packet as it was, so that the next director finds the virtual server in it again. What a check says does not count: two directors
 * may each take itself for dead.
 */
export function fellowServers(pools: readonly Pool[], isHere: (address: Address) => boolean): readonly FellowServer[] {
  const found = new Map<string, FellowServer>()
  for (const pool of pools) {
    const servers = unchangedServers(pool)
    if (!servers.some(isHere)) continue
    const others = servers.filter((server) => !isHere(server))
    for (const shared of pool.ids.map(sharedBy)) {
      for (const server of others) found.set(`${shared.family} ${shared.vip} ${server}`, { ...shared, server })
    }
  }
  return [...found.values()]
}

function sharedBy(id: ServiceId): Omit<FellowServer, 'server'> {
  switch (id.by) {
    case 'address':
      return { family: isIpv4(id.vip.address) ? 4 : 6, vip: id.vip.address }
    case 'fwmark':
      return { family: id.family === 'inet' ? 4 : 6, vip: undefined }
  }
}

/** Those of its servers that get packets as they were. */
export function unchangedServers({ servers }: Pool): readonly Address[] {
  return servers.flatMap(({ endpoint, forwarding: { method } }) =>
    method === 'DR' || method === 'TUN' ? [endpoint.address] : [],
  )
}
