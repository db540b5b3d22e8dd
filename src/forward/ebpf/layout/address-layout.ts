import { type Address, addressBytes, ipv6At, isIpv4 } from '../../../net/address.ts'
import { ipv4At } from '../../../net/ipv4.ts'
import { struct } from './struct.ts'

/** Sixteen bytes, of which IPv4 takes the first four. */
export const ADDRESS = struct('address', 16, { words: [0, 16] })

/** An address of this director's. */
export const OWN_ADDRESS = struct('own_address', 20, { address: [0, 16], family: [16, 4] })

export const FAMILY = { ipv4: 2, ipv6: 10 } as const

export const familyOf = (address: Address) => (isIpv4(address) ? FAMILY.ipv4 : FAMILY.ipv6)

export const addressIn = (view: DataView, offset: number, family: number): Address =>
  family === FAMILY.ipv4 ? ipv4At(view, offset) : ipv6At(view, offset)

export function encodeAddress(address: Address): Uint8Array {
  const bytes = new Uint8Array(ADDRESS.bytes)
  bytes.set(addressBytes(address))
  return bytes
}
