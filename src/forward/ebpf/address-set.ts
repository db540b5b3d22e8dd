import type { BpfMap } from '../../linux/libbpf.ts'
import { type Address, addressBytes } from '../../net/address.ts'
import { addressIn, familyOf, OWN_ADDRESS } from './layout/address-layout.ts'
import { viewOf } from './layout/struct.ts'

/** MAX_OWN_ADDRESSES, and MAX_CLOSED_ADDRESSES: those beyond are not known. */
const MAX_ADDRESSES = 16_384
const PRESENT = Uint8Array.of(1)

/** Addresses in the core: this director's own, from which nobody else opens a connection; and those that are closed. */
export class AddressSet {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** These are all. Throws SystemError. */
  follow(addresses: Iterable<Address>): void {
    const gone = new Set(this.#held())
    for (const address of [...new Set(addresses)].slice(0, MAX_ADDRESSES)) {
      if (!gone.delete(address)) this.#map.update(encodeOwnAddress(address), PRESENT)
    }
    for (const address of gone) this.#map.delete(encodeOwnAddress(address))
  }

  *#held(): Generator<Address> {
    for (const [key] of this.#map.entries(OWN_ADDRESS.bytes, PRESENT.length)) {
      const view = viewOf(key)
      yield addressIn(view, OWN_ADDRESS.at.address, view.getUint32(OWN_ADDRESS.at.family, true))
    }
  }
}

function encodeOwnAddress(address: Address): Uint8Array {
  const bytes = new Uint8Array(OWN_ADDRESS.bytes)
  bytes.set(addressBytes(address), OWN_ADDRESS.at.address)
  viewOf(bytes).setUint32(OWN_ADDRESS.at.family, familyOf(address), true)
  return bytes
}
