import type { OtherDirector } from '../../../model/other-director.ts'
import { addressBytes } from '../../../net/address.ts'
import { FAMILY } from './address-layout.ts'
import { struct, viewOf } from './struct.ts'

/** Another director that is a real server of a virtual address, as this one is. */
export const OTHER_DIRECTOR = struct('other_director', 24, { vip: [0, 16], mac: [16, 6], family: [22, 2] })

export function encodeOtherDirector({ family, vip, mac }: OtherDirector): Uint8Array {
  const { at } = OTHER_DIRECTOR
  const bytes = new Uint8Array(OTHER_DIRECTOR.bytes)
  if (vip !== undefined) bytes.set(addressBytes(vip), at.vip)
  bytes.set(mac, at.mac)
  viewOf(bytes).setUint16(at.family, family === 4 ? FAMILY.ipv4 : FAMILY.ipv6, true)
  return bytes
}
