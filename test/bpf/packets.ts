import { type Address, addressBytes, ipv6At, isIpv4, parseAddress } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { decodeIpHeader } from '../../src/net/ip-header.ts'

/** TCP flags. */
export const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const

const TCP = 6
const UDP = 17
const SCTP = 132
const ICMP = 1
const ICMPV6 = 58
const FRAGMENT = 44
const ETHERNET = 14

export interface Ends {
  readonly source: readonly [address: string, port: number]
  readonly destination: readonly [address: string, port: number]
}

export interface IpOptions {
  readonly ttl?: number
  readonly dontFragment?: boolean
  /** IPv4: the field as it stands; IPv6: makes a fragment header. */
  readonly fragmentOffset?: number
  readonly moreFragments?: boolean
  readonly id?: number
  readonly tos?: number
}

/** An address of either family. */
export function address(text: string): Address {
  const found = parseAddress(text)
  if (found === undefined) throw new Error(`no address: ${text}`)
  return found
}

export interface TcpOptions extends IpOptions {
  readonly sequence?: number
  readonly acknowledged?: number
  /** As they stand in the header; a multiple of four bytes. */
  readonly tcpOptions?: readonly number[]
}

/** A TCP segment in an Ethernet frame, with right checksums. */
export function tcp(ends: Ends, flags: number, payload = '', options: TcpOptions = {}): Uint8Array {
  const { sequence = 0, acknowledged = 0, tcpOptions = [] } = options
  const header = Buffer.alloc(20 + tcpOptions.length)
  header.writeUInt16BE(ends.source[1], 0)
  header.writeUInt16BE(ends.destination[1], 2)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE(acknowledged, 8)
  header[12] = (5 + tcpOptions.length / 4) << 4
  header[13] = flags
  header.set(tcpOptions, 20)
  return frame(TCP, ends, withChecksum(TCP, ends, Buffer.concat([header, Buffer.from(payload)]), 16), options)
}

/** A datagram in an Ethernet frame; without checksum if so asked. */
export function udp(
  ends: Ends,
  payload = 'x',
  options: IpOptions & { readonly noChecksum?: boolean } = {},
): Uint8Array {
  const segment = datagram(ends, payload)
  return frame(UDP, ends, options.noChecksum === true ? segment : withChecksum(UDP, ends, segment, 6), options)
}

/** An SCTP packet of one chunk, or of two, with the right checksum. */
export function sctp(ends: Ends, chunk: number, payload = '', second?: number): Uint8Array {
  const padded = Buffer.from(payload.padEnd(Math.ceil(payload.length / 4) * 4, '\0'))
  const header = Buffer.alloc(16)
  header.writeUInt16BE(ends.source[1], 0)
  header.writeUInt16BE(ends.destination[1], 2)
  header.writeUInt32BE(0x1234_5678, 4)
  header[12] = chunk
  header.writeUInt16BE(4 + payload.length, 14)
  const more = second === undefined ? [] : [Buffer.from([second, 0, 0, 4])]
  const segment = Buffer.concat([header, padded, ...more])
  segment.writeUInt32LE(crc32c(segment), 8)
  return frame(SCTP, ends, segment, {})
}

/** RFC 9260 appendix A, bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

function datagram(ends: Ends, payload: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(ends.source[1], 0)
  header.writeUInt16BE(ends.destination[1], 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return Buffer.concat([header, Buffer.from(payload)])
}

/** A datagram in two fragments, the first with `first` bytes of it. */
export function udpFragments(ends: Ends, payload: string, first: number): [Uint8Array, Uint8Array] {
  const whole = withChecksum(UDP, ends, datagram(ends, payload), 6)
  const id = 4711
  return [
    frame(UDP, ends, whole.subarray(0, first), { id, moreFragments: true, fragmentOffset: 0 }),
    frame(UDP, ends, whole.subarray(first), { id, fragmentOffset: first / 8 }),
  ]
}

/** Any frame's packet in fragments that begin at these bytes of what follows its IP header, which has no options. */
export function fragmentsOf(whole: Uint8Array, starts: readonly number[], id = 4711): Uint8Array[] {
  const { protocol, source, destination, ttl, payload } = parseIp(whole.subarray(ETHERNET))
  const ends: Ends = { source: [source, 0], destination: [destination, 0] }
  return starts.map((start, i) => {
    const data = Buffer.from(payload.subarray(start, starts[i + 1]))
    const moreFragments = i + 1 < starts.length
    return frame(protocol, ends, data, { id, ttl, moreFragments, fragmentOffset: start / 8 })
  })
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
  const v4 = isIpv4(address(from))
  const header = Buffer.alloc(8)
  header[0] = type
  header[1] = code
  header.writeUInt16BE(1400, 6)
  const message = Buffer.concat([header, quoted.subarray(ETHERNET, ETHERNET + (v4 ? 20 : 40) + quote)])
  const ends: Ends = { source: [from, 0], destination: [to, 0] }
  const sum = v4 ? checksum(message) : checksum(pseudo(ICMPV6, ends, message.length), message)
  message.writeUInt16BE(sum, 2)
  return frame(v4 ? ICMP : ICMPV6, ends, message, {})
}

/** The same IPv4 frame with options in its header: a multiple of four bytes. */
export function withIpOptions(frame: Uint8Array, options: readonly number[]): Uint8Array {
  const bytes = Buffer.from(frame)
  const header = Buffer.concat([bytes.subarray(ETHERNET, ETHERNET + 20), Buffer.from(options)])
  header[0] = 0x45 + options.length / 4
  header.writeUInt16BE(bytes.readUInt16BE(ETHERNET + 2) + options.length, 2)
  const rest = bytes.subarray(ETHERNET + 20)
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, ETHERNET), withHeaderChecksum(header), rest]))
}

/** The same IPv6 frame with an extension header, whose first byte names what follows. */
export function withExtension(frame: Uint8Array, type: number, extension: readonly number[]): Uint8Array {
  const bytes = Buffer.from(frame)
  const header = Buffer.from(bytes.subarray(0, ETHERNET + 40))
  header.writeUInt16BE(header.readUInt16BE(ETHERNET + 4) + extension.length, ETHERNET + 4)
  const within = Buffer.from([header[ETHERNET + 6] ?? 0, ...extension.slice(1)])
  header[ETHERNET + 6] = type
  return Uint8Array.from(Buffer.concat([header, within, bytes.subarray(ETHERNET + 40)]))
}

/** The same frame with another TTL. */
export function withTtl(frame: Uint8Array, ttl: number): Uint8Array {
  const bytes = Buffer.from(frame)
  if ((bytes[ETHERNET] ?? 0) >> 4 === 6) bytes[ETHERNET + 7] = ttl
  else {
    bytes[ETHERNET + 8] = ttl
    withHeaderChecksum(bytes.subarray(ETHERNET, ETHERNET + ((bytes[ETHERNET] ?? 0) & 15) * 4))
  }
  return Uint8Array.from(bytes)
}

function withHeaderChecksum(header: Buffer): Buffer {
  header.writeUInt16BE(0, 10)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

/** An IP packet's header. Throws when its checksum is wrong. */
export function parseIp(packet: Uint8Array): {
  readonly protocol: number
  readonly source: Address
  readonly destination: Address
  readonly ttl: number
  readonly tos: number
  readonly laterFragment: boolean
  readonly payload: Uint8Array
} {
  const bytes = Buffer.from(packet)
  if ((bytes[0] ?? 0) >> 4 === 6) {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
    const fragmented = bytes[6] === FRAGMENT
    return {
      protocol: bytes[fragmented ? 40 : 6] ?? 0,
      source: ipv6At(view, 8),
      destination: ipv6At(view, 24),
      ttl: bytes[7] ?? 0,
      tos: (bytes.readUInt16BE(0) >> 4) & 0xff,
      laterFragment: fragmented && bytes.readUInt16BE(42) >> 3 !== 0,
      payload: packet.subarray(fragmented ? 48 : 40, 40 + bytes.readUInt16BE(4)),
    }
  }
  const header = decodeIpHeader(packet)
  if (header === undefined) throw new Error('no IP packet')
  if (checksum(packet.subarray(0, header.payloadStart)) !== 0) throw new Error('wrong IP checksum')
  return {
    ...header,
    tos: bytes[1] ?? 0,
    laterFragment: (bytes.readUInt16BE(6) & 0x1fff) !== 0,
    payload: packet.subarray(header.payloadStart, header.payloadEnd),
  }
}

/** What a frame says. Throws when a checksum is wrong. */
export function parse(bytes: Uint8Array): {
  readonly protocol: number
  readonly ends: Ends
  readonly ttl: number
  readonly payload: Uint8Array
  readonly flags: number
  /** Of TCP, as they stand in the header. */
  readonly tcpOptions: readonly number[]
  readonly icmp: readonly [type: number, code: number, rest: number] | undefined
} {
  const packet = parseIp(bytes.subarray(ETHERNET))
  const { protocol, source, destination, ttl } = packet
  const l4 = Buffer.from(packet.payload)
  const isIcmp = protocol === ICMP || protocol === ICMPV6
  const noPorts = isIcmp || packet.laterFragment
  const ends: Ends = {
    source: [source, noPorts ? 0 : l4.readUInt16BE(0)],
    destination: [destination, noPorts ? 0 : l4.readUInt16BE(2)],
  }
  if (packet.laterFragment) return { protocol, ends, ttl, payload: l4, flags: 0, tcpOptions: [], icmp: undefined }
  if (protocol === SCTP) {
    const without = Buffer.from(l4)
    without.writeUInt32LE(0, 8)
    if (crc32c(without) !== l4.readUInt32LE(8)) throw new Error('wrong SCTP checksum')
    return { protocol, ends, ttl, payload: l4.subarray(12), flags: 0, tcpOptions: [], icmp: undefined }
  }
  const headerEnd = protocol === TCP ? ((l4[12] ?? 0) >> 4) * 4 : 8
  const unchecked = protocol === UDP && (l4.readUInt16BE(6) === 0 || l4.readUInt16BE(4) > l4.length)
  const sums = protocol === ICMP ? [l4] : [pseudo(protocol, ends, l4.length), l4]
  if (!unchecked && checksum(...sums) !== 0) throw new Error('wrong transport checksum')
  return {
    protocol,
    ends,
    ttl,
    payload: l4.subarray(headerEnd),
    tcpOptions: protocol === TCP ? [...l4.subarray(20, headerEnd)] : [],
    flags: protocol === TCP ? (l4[13] ?? 0) : 0,
    icmp: isIcmp ? [l4[0] ?? 0, l4[1] ?? 0, l4.readUInt16BE(6)] : undefined,
  }
}

/** The other direction. */
export const reverse = ({ source, destination }: Ends): Ends => ({ source: destination, destination: source })

/** RFC 9293 §3.1 and RFC 8200 §8.1: the sum is the same. */
function pseudo(protocol: number, ends: Ends, length: number): Uint8Array {
  const tail = Buffer.alloc(4)
  tail[1] = protocol
  tail.writeUInt16BE(length, 2)
  return Buffer.concat([addressBytes(address(ends.source[0])), addressBytes(address(ends.destination[0])), tail])
}

function withChecksum(protocol: number, ends: Ends, segment: Buffer, offset: number): Buffer {
  segment.writeUInt16BE(checksum(pseudo(protocol, ends, segment.length), segment), offset)
  return segment
}

function frame(protocol: number, ends: Ends, payload: Uint8Array, options: IpOptions): Uint8Array {
  const source = address(ends.source[0])
  const destination = address(ends.destination[0])
  const ethernet = Buffer.alloc(ETHERNET)
  if (isIpv4(source)) {
    ethernet.writeUInt16BE(0x0800, 12)
    return Uint8Array.from(Buffer.concat([ethernet, header4(protocol, source, destination, payload, options), payload]))
  }
  ethernet.writeUInt16BE(0x86dd, 12)
  const extension = options.fragmentOffset === undefined ? Buffer.alloc(0) : fragmentHeader(protocol, options)
  const header = Buffer.alloc(40)
  header.writeUInt32BE(((6 << 28) | ((options.tos ?? 0) << 20)) >>> 0, 0)
  header.writeUInt16BE(extension.length + payload.length, 4)
  header[6] = extension.length > 0 ? FRAGMENT : protocol
  header[7] = options.ttl ?? 64
  header.set(addressBytes(source), 8)
  header.set(addressBytes(destination), 24)
  return Uint8Array.from(Buffer.concat([ethernet, header, extension, payload]))
}

function fragmentHeader(protocol: number, options: IpOptions): Buffer {
  const header = Buffer.alloc(8)
  header[0] = protocol
  header.writeUInt16BE(((options.fragmentOffset ?? 0) << 3) | (options.moreFragments === true ? 1 : 0), 2)
  header.writeUInt32BE(options.id ?? 0, 4)
  return header
}

function header4(
  protocol: number,
  source: Address,
  destination: Address,
  payload: Uint8Array,
  options: IpOptions,
): Buffer {
  const header = Buffer.alloc(20)
  const flags = (options.dontFragment === true ? 0x4000 : 0) | (options.moreFragments === true ? 0x2000 : 0)
  header[0] = 0x45
  header[1] = options.tos ?? 0
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE(options.id ?? 0, 4)
  header.writeUInt16BE(flags | (options.fragmentOffset ?? 0), 6)
  header[8] = options.ttl ?? 64
  header[9] = protocol
  header.set(addressBytes(source), 12)
  header.set(addressBytes(destination), 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

/** An IPsec packet (RFC 4303, RFC 4302): a number of the association, a sequence number, and what nobody can read. */
export function ipsec(protocol: 'ESP' | 'AH', source: string, destination: string, payload: string): Uint8Array {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(0xc0ffee, 0)
  header.writeUInt32BE(1, 4)
  const ends: Ends = { source: [source, 0], destination: [destination, 0] }
  return frame(protocol === 'ESP' ? 50 : 51, ends, Buffer.concat([header, Buffer.from(payload)]), {})
}
