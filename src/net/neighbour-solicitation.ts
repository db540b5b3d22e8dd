import { type Ipv6, addressBytes, ipv6At } from './address.ts'
import type { Mac } from './arp.ts'
import { checksum } from './checksum.ts'

const ETHERTYPE_IPV6 = 0x86dd
const ICMPV6 = 58
const NEIGHBOUR_SOLICITATION = 135
const NEIGHBOUR_ADVERTISEMENT = 136
const SOURCE_LINK_LAYER_ADDRESS = 1

const ETHERNET = 14
const HEADER = 40
const MESSAGE = 32

/**
 * An Ethernet frame that asks where `target` is (RFC 4861 §4.3), sent to its solicited-node group (RFC 4291 §2.7.1).
 *
 *     Ethernet | IPv6, hop limit 255 | u8 135 | u8 0 | u16 checksum | u32 0 | target | u8 1 | u8 1 | MAC
 */
export function neighbourSolicitation(mac: Mac, sender: Ipv6, target: Ipv6): Uint8Array {
  const frame = new Uint8Array(ETHERNET + HEADER + MESSAGE)
  const view = new DataView(frame.buffer)
  const wanted = addressBytes(target)
  const group = addressBytes('ff02::1:ff00:0' as Ipv6)
  group.set(wanted.subarray(13), 13)
  frame.set([0x33, 0x33, ...group.subarray(12)], 0)
  frame.set(mac, 6)
  view.setUint16(12, ETHERTYPE_IPV6)
  view.setUint32(ETHERNET, 0x60000000)
  view.setUint16(ETHERNET + 4, MESSAGE)
  view.setUint8(ETHERNET + 6, ICMPV6)
  view.setUint8(ETHERNET + 7, 255)
  frame.set(addressBytes(sender), ETHERNET + 8)
  frame.set(group, ETHERNET + 24)
  const message = frame.subarray(ETHERNET + HEADER)
  message[0] = NEIGHBOUR_SOLICITATION
  message.set(wanted, 8)
  message.set([SOURCE_LINK_LAYER_ADDRESS, 1], 24)
  message.set(mac, 26)
  // Of the pseudo-header the lengths are the rest (RFC 8200 §8.1).
  const rest = Uint8Array.of(0, 0, 0, MESSAGE, 0, 0, 0, ICMPV6)
  view.setUint16(ETHERNET + HEADER + 2, checksum(frame.subarray(ETHERNET + 8, ETHERNET + HEADER), rest, message))
  return frame
}

/** Whose address a neighbour advertisement tells, and the MAC that it was sent from; undefined of any other frame. */
export function decodeAdvertisement(frame: Uint8Array): { readonly address: Ipv6; readonly mac: Mac } | undefined {
  if (frame.length < ETHERNET + HEADER + 24) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const isOne =
    view.getUint16(12) === ETHERTYPE_IPV6 &&
    view.getUint8(ETHERNET + 6) === ICMPV6 &&
    view.getUint8(ETHERNET + HEADER) === NEIGHBOUR_ADVERTISEMENT
  return isOne ? { address: ipv6At(view, ETHERNET + HEADER + 8), mac: frame.slice(6, 12) } : undefined
}
