import { type BpfMap, u32 } from '../../linux/libbpf.ts'
import type { Address } from '../../net/address.ts'
import { decodeLocalPool, encodeLocalPool, LOCAL_POOL } from './layout/local-pool-layout.ts'
import { viewOf } from './layout/struct.ts'

/** The local addresses of services with full NAT in the core, by the service's slot. */
export class LocalAddresses {
  readonly #map: BpfMap
  readonly #bySlot = new Map<number, readonly Address[]>()

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Takes over what an earlier daemon has left. */
  read(): void {
    for (const [key, value] of this.#map.entries(4, LOCAL_POOL.bytes)) {
      this.#bySlot.set(viewOf(key).getUint32(0, true), decodeLocalPool(value))
    }
  }

  of(slot: number): readonly Address[] {
    return this.#bySlot.get(slot) ?? []
  }

  write(slot: number, addresses: readonly Address[]): void {
    this.#bySlot.set(slot, addresses)
    if (addresses.length === 0) this.#map.delete(u32(slot))
    else this.#map.update(u32(slot), encodeLocalPool(addresses))
  }
}
