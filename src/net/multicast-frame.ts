import { type Address, addressBytes, isIpv4 } from './address.ts'
import { checksum } from './checksum.ts'
import { encodeIpHeader } from './ip-header.ts'
import type { Mac } from './arp.ts'

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const

/** Where an Ethernet frame to a multicast group goes: RFC 1112 §6.4, RFC 2464 §7. */
export function multicastMac(group: Address): Mac {
  const bytes = addressBytes(group)
  if (!isIpv4(group)) return Uint8Array.of(0x33, 0x33, ...bytes.subarray(12))
  const [, second = 0, third = 0, last = 0] = bytes
  return Uint8Array.of(0x01, 0x00, 0x5e, second & 0x7f, third, last)
}

export interface MulticastPacket {
  readonly source: Address
  readonly group: Address
  readonly protocol: number
  /** TTL, or hop limit. */
  readonly ttl: number
  /** Type of service, or traffic class. */
  readonly tos: number
  /** Of the IPv4 header, 16 bits, and of fragments, 32 bits in IPv6: no two packets on their way from here have the same. */
  readonly identification: number
  readonly payload: Uint8Array
}

const HEADER = { ipv4: 20, ipv6: 40, fragment: 8 } as const
const FRAGMENT_HEADER = 44
const MORE_FRAGMENTS = { ipv4: 0x2000, ipv6: 1 } as const
/** What the places of fragments are counted in, in both families. */
const UNIT = 8

/** Some of a payload. */
interface Piece {
  /** Where it begins, in bytes. */
  readonly offset: number
  readonly isLast: boolean
  readonly payload: Uint8Array
}

/**
 * A packet in whole frames from this MAC, which need not be that of the interface: one frame, or the fragments of a packet that is longer
 * than `mtu` bytes, as the kernel would have made them.
 */
export function multicastFrames(mac: Mac, packet: MulticastPacket, mtu: number): readonly Uint8Array[] {
  const isV4 = isIpv4(packet.group)
  const type = isV4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6
  const ethernet = Uint8Array.of(...multicastMac(packet.group), ...mac, type >> 8, type & 0xff)
  const packets = isV4 ? ipv4Packets(packet, mtu) : ipv6Packets(packet, mtu)
  return packets.map((each) => Buffer.concat([ethernet, ...each]))
}

/** RFC 791 §2.3: a fragment is a packet of its own. */
function ipv4Packets(packet: MulticastPacket, mtu: number): readonly Uint8Array[][] {
  return pieces(packet.payload, mtu - HEADER.ipv4, mtu - HEADER.ipv4).map((piece) => [
    ipv4Header(packet, piece),
    piece.payload,
  ])
}

/** RFC 8200 §4.5. */
function ipv6Packets(packet: MulticastPacket, mtu: number): readonly Uint8Array[][] {
  const room = mtu - HEADER.ipv6
  return pieces(packet.payload, room, room - HEADER.fragment).map((piece, _i, { length }) => {
    if (length === 1) return [ipv6Header(packet, packet.protocol, piece.payload.length), piece.payload]
    const header = ipv6Header(packet, FRAGMENT_HEADER, HEADER.fragment + piece.payload.length)
    return [header, fragmentHeader(packet, piece), piece.payload]
  })
}

/** A payload that fits into `whole` bytes in one piece, else in such as fit into `room`. */
function pieces(payload: Uint8Array, whole: number, room: number): readonly Piece[] {
  const size = payload.length <= whole ? Math.max(1, payload.length) : room - (room % UNIT)
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, i) => ({
    offset: i * size,
    isLast: (i + 1) * size >= payload.length,
    payload: payload.subarray(i * size, (i + 1) * size),
  }))
}

function ipv4Header(packet: MulticastPacket, { offset, isLast, payload }: Piece): Uint8Array {
  const { source, group, protocol, ttl, tos, identification } = packet
  if (!isIpv4(source) || !isIpv4(group)) throw new Error(`a packet from ${source} to ${group}`)
  const fields = { source, destination: group, ttl, protocol, tos, identification, payloadLength: payload.length }
  const header = encodeIpHeader(fields)
  const view = new DataView(header.buffer)
  view.setUint16(6, (isLast ? 0 : MORE_FRAGMENTS.ipv4) | (offset / UNIT))
  view.setUint16(10, checksum(header))
  return header
}

/**
 *     Version (4) | Traffic Class (8) | Flow Label (20)
 *     Payload Length (16) | Next Header (8) | Hop Limit (8)
 *     Source (128), Destination (128)                                    RFC 8200 §3
 */
function ipv6Header({ source, group, ttl, tos }: MulticastPacket, next: number, length: number): Uint8Array {
  const header = new Uint8Array(HEADER.ipv6)
  const view = new DataView(header.buffer)
  view.setUint32(0, (6 << 28) | (tos << 20))
  view.setUint16(4, length)
  view.setUint8(6, next)
  view.setUint8(7, ttl)
  header.set(addressBytes(source), 8)
  header.set(addressBytes(group), 24)
  return header
}

/**
 *     Next Header (8) | Reserved (8) | Offset (13) | Reserved (2) | More (1)
 *     Identification (32)                                                RFC 8200 §4.5
 */
function fragmentHeader({ protocol, identification }: MulticastPacket, { offset, isLast }: Piece): Uint8Array {
  const header = new Uint8Array(HEADER.fragment)
  const view = new DataView(header.buffer)
  view.setUint8(0, protocol)
  view.setUint16(2, offset | (isLast ? 0 : MORE_FRAGMENTS.ipv6))
  view.setUint32(4, identification)
  return header
}
