import { type Ipv6, addressBytes } from './address.ts'
import type { Mac } from './arp.ts'
import { checksum } from './checksum.ts'

/** The group of all nodes on the link, and its Ethernet address (RFC 2464 §7). */
const ALL_NODES = 'ff02::1' as Ipv6
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1)
const ETHERTYPE_IPV6 = 0x86dd
const ICMPV6 = 58
const NEIGHBOUR_ADVERTISEMENT = 136
/** Router, and override what is known; not solicited. */
const FLAGS = 0xa0000000
const TARGET_LINK_LAYER_ADDRESS = 2

const ETHERNET = 14
const HEADER = 40
const MESSAGE = 32

/**
 * An Ethernet frame that announces `address` at `mac` to all nodes of the link: an unsolicited neighbour advertisement (RFC 4861
 * §4.4, §7.2.6), with the router flag (RFC 9568 §6.4.1).
 *
 *     Ethernet | IPv6, hop limit 255 | u8 136 | u8 0 | u16 checksum | u32 flags | target | u8 2 | u8 1 | MAC
 */
export function unsolicitedAdvertisement(mac: Mac, address: Ipv6): Uint8Array {
  const frame = new Uint8Array(ETHERNET + HEADER + MESSAGE)
  const view = new DataView(frame.buffer)
  const own = addressBytes(address)
  frame.set(ALL_NODES_MAC, 0)
  frame.set(mac, 6)
  view.setUint16(12, ETHERTYPE_IPV6)
  view.setUint32(ETHERNET, 0x60000000)
  view.setUint16(ETHERNET + 4, MESSAGE)
  view.setUint8(ETHERNET + 6, ICMPV6)
  view.setUint8(ETHERNET + 7, 255)
  frame.set(own, ETHERNET + 8)
  frame.set(addressBytes(ALL_NODES), ETHERNET + 24)
  const message = frame.subarray(ETHERNET + HEADER)
  message[0] = NEIGHBOUR_ADVERTISEMENT
  view.setUint32(ETHERNET + HEADER + 4, FLAGS)
  message.set(own, 8)
  message.set([TARGET_LINK_LAYER_ADDRESS, 1], 24)
  message.set(mac, 26)
  // Of the pseudo-header the lengths are the rest (RFC 8200 §8.1).
  const rest = Uint8Array.of(0, 0, 0, MESSAGE, 0, 0, 0, ICMPV6)
  view.setUint16(ETHERNET + HEADER + 2, checksum(frame.subarray(ETHERNET + 8, ETHERNET + HEADER), rest, message))
  return frame
}
