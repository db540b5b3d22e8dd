import { MAX_LOCAL_ADDRESSES } from '../../../model/service.ts'
import { type Address, addressBytes } from '../../../net/address.ts'
import { ADDRESS, addressIn, familyOf } from './address-layout.ts'
import { struct, viewOf } from './struct.ts'

/** The addresses that the servers of a service with full NAT see in place of its clients'. */
export const LOCAL_POOL = struct('local_pool', 1032, {
  count: [0, 4],
  family: [4, 4],
  addresses: [8, MAX_LOCAL_ADDRESSES * ADDRESS.bytes],
})

export function encodeLocalPool(addresses: readonly Address[]): Uint8Array {
  const { at } = LOCAL_POOL
  const bytes = new Uint8Array(LOCAL_POOL.bytes)
  const view = viewOf(bytes)
  view.setUint32(at.count, addresses.length, true)
  const [first] = addresses
  if (first !== undefined) view.setUint32(at.family, familyOf(first), true)
  addresses.forEach((address, i) => bytes.set(addressBytes(address), at.addresses + i * ADDRESS.bytes))
  return bytes
}

export function decodeLocalPool(bytes: Uint8Array): Address[] {
  const { at } = LOCAL_POOL
  const view = viewOf(bytes)
  const family = view.getUint32(at.family, true)
  return Array.from({ length: view.getUint32(at.count, true) }, (_, i) =>
    addressIn(view, at.addresses + i * ADDRESS.bytes, family),
  )
}
