import { type BpfMap, u32 } from '../../linux/libbpf.ts'
import { type Address, addressBytes } from '../../net/address.ts'
import { addressIn, familyOf, SIZE, viewOf } from './layout.ts'

/** The local addresses of services with full NAT in the core, by the service's slot. */
export class LocalPools {
  readonly #map: BpfMap
  readonly #pools = new Map<number, readonly Address[]>()

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Takes over what an earlier daemon has left. */
  read(): void {
    for (const [key, value] of this.#map.entries(4, SIZE.localPool)) {
      this.#pools.set(viewOf(key).getUint32(0, true), decodeLocalPool(value))
    }
  }

  addresses(slot: number): readonly Address[] {
    return this.#pools.get(slot) ?? []
  }

  write(slot: number, addresses: readonly Address[]): void {
    this.#pools.set(slot, addresses)
    if (addresses.length === 0) this.#map.delete(u32(slot))
    else this.#map.update(u32(slot), encodeLocalPool(addresses))
  }
}

function encodeLocalPool(addresses: readonly Address[]): Uint8Array {
  const bytes = new Uint8Array(SIZE.localPool)
  const view = viewOf(bytes)
  view.setUint32(0, addresses.length, true)
  const [first] = addresses
  if (first !== undefined) view.setUint32(4, familyOf(first), true)
  addresses.forEach((address, i) => bytes.set(addressBytes(address), 8 + i * 16))
  return bytes
}

function decodeLocalPool(bytes: Uint8Array): Address[] {
  const view = viewOf(bytes)
  const family = view.getUint32(4, true)
  return Array.from({ length: view.getUint32(0, true) }, (_, i) => addressIn(view, 8 + i * 16, family))
}
