import { checksum } from '../../src/net/checksum.ts'
import { decodeIpHeader } from '../../src/net/ip-header.ts'
import { ipv4Bytes } from '../../src/net/ipv4.ts'
import { ip } from '../vrrp/instances.ts'

/** TCP flags. */
export const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const

const TCP = 6
const UDP = 17
const ICMP = 1
const ETHERNET = 14

export interface Ends {
  readonly source: readonly [address: string, port: number]
  readonly destination: readonly [address: string, port: number]
}

interface IpOptions {
  readonly ttl?: number
  readonly dontFragment?: boolean
  readonly fragmentOffset?: number
}

/** A TCP segment in an Ethernet frame, with right checksums. */
export function tcp(ends: Ends, flags: number, payload = '', options: IpOptions = {}): Uint8Array {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(ends.source[1], 0)
  header.writeUInt16BE(ends.destination[1], 2)
  header[12] = 5 << 4
  header[13] = flags
  return frame(TCP, ends, withChecksum(TCP, ends, Buffer.concat([header, Buffer.from(payload)]), 16), options)
}

/** A datagram in an Ethernet frame; without checksum if so asked. */
export function udp(
  ends: Ends,
  payload = 'x',
  options: IpOptions & { readonly noChecksum?: boolean } = {},
): Uint8Array {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(ends.source[1], 0)
  header.writeUInt16BE(ends.destination[1], 2)
  header.writeUInt16BE(8 + payload.length, 4)
  const segment = Buffer.concat([header, Buffer.from(payload)])
  return frame(UDP, ends, options.noChecksum === true ? segment : withChecksum(UDP, ends, segment, 6), options)
}

/** An ICMP error from `from` to `to` that quotes the IP header and `quote` bytes of another frame's packet. */
export function icmpError(
  type: number,
  code: number,
  from: string,
  to: string,
  quoted: Uint8Array,
  quote = 8,
): Uint8Array {
  const header = Buffer.alloc(8)
  header[0] = type
  header[1] = code
  header.writeUInt16BE(1400, 6)
  const message = Buffer.concat([header, quoted.subarray(ETHERNET, ETHERNET + 20 + quote)])
  message.writeUInt16BE(checksum(message), 2)
  return frame(ICMP, { source: [from, 0], destination: [to, 0] }, message, {})
}

/** What a frame says. Throws when a checksum is wrong. */
export function parse(bytes: Uint8Array): {
  readonly protocol: number
  readonly ends: Ends
  readonly ttl: number
  readonly payload: Uint8Array
  readonly flags: number
  readonly icmp: readonly [type: number, code: number, rest: number] | undefined
} {
  const packet = bytes.subarray(ETHERNET)
  const header = decodeIpHeader(packet)
  if (header === undefined) throw new Error('no IPv4 packet')
  if (checksum(packet.subarray(0, header.payloadStart)) !== 0) throw new Error('wrong IP checksum')
  const l4 = Buffer.from(packet.subarray(header.payloadStart, header.payloadEnd))
  const ports = header.protocol === ICMP ? [0, 0] : [l4.readUInt16BE(0), l4.readUInt16BE(2)]
  const ends: Ends = { source: [header.source, ports[0] ?? 0], destination: [header.destination, ports[1] ?? 0] }
  const unchecked = header.protocol === UDP && l4.readUInt16BE(6) === 0
  if (
    !unchecked &&
    checksum(...(header.protocol === ICMP ? [l4] : [pseudo(header.protocol, ends, l4.length), l4])) !== 0
  ) {
    throw new Error('wrong transport checksum')
  }
  return {
    protocol: header.protocol,
    ends,
    ttl: header.ttl,
    payload: l4.subarray(header.protocol === TCP ? 20 : 8),
    flags: header.protocol === TCP ? (l4[13] ?? 0) : 0,
    icmp: header.protocol === ICMP ? [l4[0] ?? 0, l4[1] ?? 0, l4.readUInt16BE(6)] : undefined,
  }
}

/** The other direction. */
export const reverse = ({ source, destination }: Ends): Ends => ({ source: destination, destination: source })

function pseudo(protocol: number, ends: Ends, length: number): Uint8Array {
  const tail = Buffer.alloc(4)
  tail[1] = protocol
  tail.writeUInt16BE(length, 2)
  return Buffer.concat([ipv4Bytes(ip(ends.source[0])), ipv4Bytes(ip(ends.destination[0])), tail])
}

function withChecksum(protocol: number, ends: Ends, segment: Buffer, offset: number): Buffer {
  segment.writeUInt16BE(checksum(pseudo(protocol, ends, segment.length), segment), offset)
  return segment
}

function frame(protocol: number, ends: Ends, payload: Uint8Array, options: IpOptions): Uint8Array {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE((options.dontFragment === true ? 0x4000 : 0) | (options.fragmentOffset ?? 0), 6)
  header[8] = options.ttl ?? 64
  header[9] = protocol
  header.set(ipv4Bytes(ip(ends.source[0])), 12)
  header.set(ipv4Bytes(ip(ends.destination[0])), 16)
  header.writeUInt16BE(checksum(header), 10)
  const ethernet = Buffer.alloc(ETHERNET)
  ethernet.writeUInt16BE(0x0800, 12)
  return Uint8Array.from(Buffer.concat([ethernet, header, payload]))
}
