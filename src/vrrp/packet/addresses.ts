import { type Address, addressBytes, ipv6At } from '../../net/address.ts'
import { ipv4At } from '../../net/ipv4.ts'
import { HEADER_LENGTH } from './advertisement.ts'

/** Writes the list of addresses, which begins behind the header. */
export function putAddresses(bytes: Uint8Array, addresses: readonly Address[]): void {
  let offset = HEADER_LENGTH
  for (const address of addresses) {
    const each = addressBytes(address)
    bytes.set(each, offset)
    offset += each.length
  }
}

/** Reads so many addresses of 4 or 16 bytes. The caller has checked that they are there. */
export function addressesAt(view: DataView, count: number, length: 4 | 16): readonly Address[] {
  const at = length === 4 ? ipv4At : ipv6At
  return Array.from({ length: count }, (_, i) => at(view, HEADER_LENGTH + i * length))
}
