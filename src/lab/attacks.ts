import type { VrrpVersion } from '../model/vrrp.ts'
import { type Address, addressBytes, ipv6At, isIpv4, VRRP_GROUP6 } from '../net/address.ts'
import type { Mac } from '../net/arp.ts'
import { encodeIpHeader } from '../net/ip-header.ts'
import { type Ipv4, ipv4At, VRRP_GROUP } from '../net/ipv4.ts'
import { multicastFrames } from '../net/multicast-frame.ts'
import { synSegment, TCP_CHECKSUM_OFFSET, TCP_PROTOCOL } from '../net/tcp-segment.ts'
import type { Millis } from '../time.ts'
import { VRRP_PROTOCOL } from '../vrrp/packet/advertisement.ts'
import { address, encodeMessage } from '../vrrp/packet/codec.ts'

/** What a stranger says in an advert. */
export interface StrangeAdvert {
  readonly version: VrrpVersion
  readonly vrid: number
  readonly priority: number
  readonly intervalMs: Millis
  readonly addresses: readonly Address[]
  readonly ttl: number
  /** Of the family of the addresses. */
  readonly source: Address
}

/** As a byte of a frame is drawn: a whole number below `limit`. */
export type Draw = (limit: number) => number

/** The same numbers for the same seed (Marsaglia's xorshift with 32 bits of state). */
export function drawing(seed: number): Draw {
  let state = (seed | 0) === 0 ? 1 : seed | 0
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

const TOS = 0xc0
const MTU = 1500
const PRIORITY_OFFSET = 2
/** Lower than that of any backup, and not that of one who leaves. */
const LOWEST = 1

/** The bytes behind the IP header. */
function payloadOf(advert: StrangeAdvert): Uint8Array {
  const path = { source: advert.source, destination: groupOf(advert.source) }
  const said = { ...advert, interval: advert.intervalMs }
  return address(said, encodeMessage(said, path), new Uint8Array(), path, 'pseudo-header')
}

const groupOf = (source: Address): Address => (isIpv4(source) ? VRRP_GROUP : VRRP_GROUP6)

/** A frame from this MAC to the group; without authentication. */
export function advertFrame(mac: Mac, advert: StrangeAdvert): Uint8Array {
  return frame(mac, advert, payloadOf(advert))
}

function frame(mac: Mac, { source, ttl }: Pick<StrangeAdvert, 'source' | 'ttl'>, payload: Uint8Array): Uint8Array {
  const packet = { source, group: groupOf(source), protocol: VRRP_PROTOCOL, ttl, tos: TOS, identification: 0, payload }
  return multicastFrames(mac, packet, MTU)[0] ?? new Uint8Array()
}

/**
 * A frame of a flood, by turns: a right advert of another virtual router, an advert for this one that is damaged, and bytes by chance. None
 * takes a role away: what may be right for this virtual router has the lowest priority.
 */
export function floodFrame(mac: Mac, advert: StrangeAdvert, draw: Draw, turn: number): Uint8Array {
  switch (turn % 3) {
    case 0: {
      const vrid = 1 + ((advert.vrid + draw(254)) % 255)
      return advertFrame(mac, { ...advert, vrid, priority: 1 + draw(255), source: neighbourOf(advert.source, draw) })
    }
    case 1: {
      const payload = payloadOf({ ...advert, priority: LOWEST })
      for (let i = 0; i <= draw(4); i++) payload[draw(payload.length)] = draw(256)
      payload[PRIORITY_OFFSET] = LOWEST
      return frame(
        mac,
        { ...advert, ttl: draw(4) === 0 ? draw(256) : 255 },
        payload.subarray(0, 1 + draw(payload.length)),
      )
    }
    default: {
      const payload = Uint8Array.from({ length: draw(200) }, () => draw(256))
      if (payload.length > PRIORITY_OFFSET) payload[PRIORITY_OFFSET] = LOWEST
      return frame(mac, { ...advert, source: neighbourOf(advert.source, draw) }, payload)
    }
  }
}

/** With another last byte. */
function neighbourOf(source: Address, draw: Draw): Address {
  const bytes = addressBytes(source)
  bytes[bytes.length - 1] = 1 + draw(254)
  return addressIn(bytes)
}

function addressIn(bytes: Uint8Array): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return bytes.length === 4 ? ipv4At(view, 0) : ipv6At(view, 0)
}

const FIRST_PORT = 1024
/** Networks for tests of devices, which nobody has: 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180). */
const SOURCES = { ipv4: [198, 18], ipv6: [0x20, 0x01, 0, 2, 0, 0] } as const
/** All that a SYN flood comes from. */
export const SYN_SOURCES = { ipv4: '198.18.0.0/16', ipv6: '2001:2::/48' } as const

/** A whole IP packet, of either family, that asks to open a connection, from an address and a port by chance. */
export function synPacket(to: Address, port: number, draw: Draw): Uint8Array {
  const bytes = Uint8Array.from({ length: isIpv4(to) ? 4 : 16 }, () => draw(256))
  bytes.set(isIpv4(to) ? SOURCES.ipv4 : SOURCES.ipv6)
  const source = addressIn(bytes)
  const from = { address: source, port: FIRST_PORT + draw(64_512) }
  const segment = synSegment(from, { address: to, port }, draw(2 ** 32))
  if (isIpv4(to)) {
    const fields = { source: source as Ipv4, destination: to, ttl: 64, protocol: TCP_PROTOCOL, tos: 0 }
    return Buffer.concat([encodeIpHeader({ ...fields, payloadLength: segment.length }), segment])
  }
  const header = new DataView(new ArrayBuffer(8)) // without the addresses
  header.setUint32(0, 6 << 28)
  header.setUint16(4, segment.length)
  header.setUint8(6, TCP_PROTOCOL)
  header.setUint8(7, 64)
  return Buffer.concat([new Uint8Array(header.buffer), bytes, addressBytes(to), segment])
}

const HEADERS = { ipv4: 20, ipv6: 40 } as const

/** Makes a packet of `synPacket` that of another connection, from the next port, in place: quicker than a new one. */
export function turnToNextPort(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const segment = (packet[0] ?? 0) >> 4 === 4 ? HEADERS.ipv4 : HEADERS.ipv6
  const port = view.getUint16(segment)
  const next = port === 0xffff ? FIRST_PORT : port + 1
  view.setUint16(segment, next)
  // ~(~sum + ~port + next) in ones' complement (RFC 1624 §3).
  let sum = (~view.getUint16(segment + TCP_CHECKSUM_OFFSET) & 0xffff) + (~port & 0xffff) + next
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  view.setUint16(segment + TCP_CHECKSUM_OFFSET, ~sum & 0xffff)
}
