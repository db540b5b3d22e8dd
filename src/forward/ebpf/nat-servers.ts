import { type BpfMap, u32 } from '../../linux/libbpf.ts'
import { addressBytes } from '../../net/address.ts'
import { familyOf } from './layout/address-layout.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import { encodeNatServer, NAT_SERVER } from './layout/nat-server-layout.ts'

/** Real servers by NAT in the core, by what they send from: with `nat_icmp_send` nothing of theirs leaves that is no connection's. */
export class NatServers {
  readonly #map: BpfMap
  /** Keys in the core; undefined: not read yet. */
  #held: Set<string> | undefined

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Those among these servers, by slot, are all. Throws SystemError. */
  follow(dests: Iterable<readonly [slot: number, dest: DestEntry]>): void {
    const held = (this.#held ??= this.#read())
    const gone = new Set(held)
    for (const [slot, dest] of dests) {
      const { forwarding, endpoint, state, service } = dest
      // IPVS does not find a server without a port of its own either: it would be whatever that host sends.
      if (forwarding.method !== 'NAT' || endpoint.port === 0 || state !== 'present') continue
      const key = encodeNatServer({
        address: addressBytes(endpoint.address),
        family: familyOf(endpoint.address),
        port: endpoint.port,
        protocol: service.by === 'address' ? service.protocol : undefined,
      })
      const name = nameOf(key)
      // One of two services' with the same server is as good as the other: both have the same way to it.
      if (!held.has(name)) this.#map.update(key, u32(slot))
      held.add(name)
      gone.delete(name)
    }
    for (const name of gone) {
      this.#map.delete(Buffer.from(name, 'hex'))
      held.delete(name)
    }
  }

  #read(): Set<string> {
    return new Set(Array.from(this.#map.entries(NAT_SERVER.bytes, 4), ([key]) => nameOf(key)))
  }
}

const nameOf = (key: Uint8Array) => Buffer.from(key).toString('hex')
