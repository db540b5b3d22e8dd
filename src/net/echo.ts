import { checksum } from './checksum.ts'

/** ICMP echo (RFC 792) and that of ICMPv6 (RFC 4443 §4): the same but for their types. */
export const ECHO_TYPES = {
  IPv4: { request: 8, reply: 0 },
  IPv6: { request: 128, reply: 129 },
} as const

export const ECHO_HEADER_LENGTH = 8

export interface Echo {
  readonly type: number
  readonly identifier: number
  readonly sequence: number
  readonly data: Uint8Array
}

/** The checksum is that of IPv4; for IPv6 the kernel makes the right one. */
export function encodeEcho({ type, identifier, sequence, data }: Echo): Uint8Array {
  const bytes = new Uint8Array(ECHO_HEADER_LENGTH + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, type)
  view.setUint16(4, identifier)
  view.setUint16(6, sequence)
  bytes.set(data, ECHO_HEADER_LENGTH)
  view.setUint16(2, checksum(bytes))
  return bytes
}

/** Undefined: too short to be one. Whether the type is that of an echo is for the caller. */
export function decodeEcho(bytes: Uint8Array): Echo | undefined {
  if (bytes.length < ECHO_HEADER_LENGTH) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, ECHO_HEADER_LENGTH)
  return {
    type: view.getUint8(0),
    identifier: view.getUint16(4),
    sequence: view.getUint16(6),
    data: bytes.subarray(ECHO_HEADER_LENGTH),
  }
}

/** What is behind the IPv4 header of a packet; undefined when it is not all there. */
export function behindIpv4Header(packet: Uint8Array): Uint8Array | undefined {
  const length = ((packet[0] ?? 0) & 0xf) * 4
  return length < 20 || length > packet.length ? undefined : packet.subarray(length)
}
