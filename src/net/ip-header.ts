import { type Ipv4, ipv4At, ipv4Bytes } from './ipv4.ts'

/** What a receiver of raw IPv4 needs from the header. */
export interface IpHeader {
  readonly source: Ipv4
  readonly destination: Ipv4
  readonly ttl: number
  readonly protocol: number
  /** Where the payload starts and ends; Ethernet padding is outside. */
  readonly payloadStart: number
  readonly payloadEnd: number
}

const HEADER_LENGTH = 20

/** Reads an IPv4 header, or undefined when the bytes are not a whole packet. */
export function decodeIpHeader(packet: Uint8Array): IpHeader | undefined {
  if (packet.length < HEADER_LENGTH) return undefined
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const payloadStart = (view.getUint8(0) & 0x0f) * 4
  const payloadEnd = view.getUint16(2)
  if (view.getUint8(0) >> 4 !== 4 || payloadStart < HEADER_LENGTH) return undefined
  if (payloadEnd < payloadStart || payloadEnd > packet.length) return undefined
  return {
    source: ipv4At(view, 12),
    destination: ipv4At(view, 16),
    ttl: view.getUint8(8),
    protocol: view.getUint8(9),
    payloadStart,
    payloadEnd,
  }
}

/**
 * A header for a raw socket with IP_HDRINCL: Linux fills in length and checksum, and the identification if it is 0. `payloadLength`: of
 * what is behind it, where the header is needed as it will be sent.
 */
export function encodeIpHeader(header: {
  source: Ipv4
  destination: Ipv4
  ttl: number
  protocol: number
  tos: number
  identification?: number
  payloadLength?: number
}): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  bytes[1] = header.tos
  view.setUint16(2, HEADER_LENGTH + (header.payloadLength ?? 0))
  view.setUint16(4, header.identification ?? 0)
  bytes[8] = header.ttl
  bytes[9] = header.protocol
  bytes.set(ipv4Bytes(header.source), 12)
  bytes.set(ipv4Bytes(header.destination), 16)
  return bytes
}
