import { type BpfMap } from '../../linux/libbpf.ts'
import { type Address, addressBytes } from '../../net/address.ts'
import { addressIn, familyOf, SIZE, viewOf } from './layout.ts'

/** MAX_OWN_ADDRESSES: those beyond are not known. */
const MAX_OWN_ADDRESSES = 16_384
const PRESENT = Uint8Array.of(1)

/** This director's addresses in the core: what pretends to come from them opens no connection. */
export class OwnAddresses {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** These are all. Throws SystemError. */
  follow(addresses: Iterable<Address>): void {
    const gone = new Set(this.#held())
    for (const address of [...new Set(addresses)].slice(0, MAX_OWN_ADDRESSES)) {
      if (!gone.delete(address)) this.#map.update(encodeOwnAddress(address), PRESENT)
    }
    for (const address of gone) this.#map.delete(encodeOwnAddress(address))
  }

  *#held(): Generator<Address> {
    for (const [key] of this.#map.entries(SIZE.ownAddress, PRESENT.length)) {
      const view = viewOf(key)
      yield addressIn(view, 0, view.getUint32(16, true))
    }
  }
}

function encodeOwnAddress(address: Address): Uint8Array {
  const bytes = new Uint8Array(SIZE.ownAddress)
  bytes.set(addressBytes(address), 0)
  viewOf(bytes).setUint32(16, familyOf(address), true)
  return bytes
}
