import { type Address, addressBytes, parseAddress } from '../../../src/net/address.ts'
import { checksum } from '../../../src/net/checksum.ts'
import { crc32c } from '../../bpf/packets.ts'

export const ETHERNET = 14
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, esp: 50, ah: 51, icmp6: 58, sctp: 132 } as const
const FRAGMENT = 44

/** What follows the headers of IP. A length is that of a payload whose bytes count up. */
export type Segment =
  | {
      readonly kind: 'tcp'
      readonly ports: Ports
      readonly flags: number
      /** A multiple of four bytes. */
      readonly options: readonly number[]
      readonly length: number
      /** Of the header, in words, when it is not what stands there. */
      readonly words?: number
    }
  | { readonly kind: 'udp'; readonly ports: Ports; readonly length: number; readonly claimed?: number }
  | { readonly kind: 'sctp'; readonly ports: Ports; readonly chunks: readonly number[]; readonly length: number }
  | {
      readonly kind: 'icmp'
      readonly type: number
      readonly code: number
      /** The second word of its header. */
      readonly rest: number
      readonly body: Uint8Array
    }
  | { readonly kind: 'other'; readonly protocol: number; readonly bytes: Uint8Array }

export type Ports = readonly [source: number, destination: number]

/** An extension header of IPv6 and what it has besides the two fields that it begins with. */
export interface Extension {
  readonly protocol: number
  readonly body: Uint8Array
}

/** A part of the segment, in bytes. Where it begins is sent as a multiple of eight. */
export interface Piece {
  readonly from: number
  readonly to: number
  readonly more: boolean
}

/** A packet, right or wrong in many ways. */
export interface Parts {
  readonly source: string
  readonly destination: string
  readonly ttl: number
  readonly tos: number
  readonly id: number
  /** Of IPv4: the three bits before the fragment offset; 2 is don't-fragment, 4 the reserved one. */
  readonly bits: number
  /** Of IPv4, a multiple of four bytes. */
  readonly options: readonly number[]
  readonly extensions: readonly Extension[]
  readonly segment: Segment
  readonly wrong: Wrong
  /** Whole when there are none. */
  readonly pieces: readonly Piece[]
  /** Bytes behind the end of the packet. */
  readonly padding: number
  /** The tag's identifier. */
  readonly vlan: number | undefined
  /** Whether the frame is for all instead of for the director. */
  readonly broadcast: boolean
}

/** What stands in the headers and is not so. */
export interface Wrong {
  readonly version?: number
  /** Of IPv4, in words. */
  readonly headerWords?: number
  /** What is added to the right length. */
  readonly length?: number
  readonly ipChecksum?: true
  readonly segmentChecksum?: 'wrong' | 'zero'
  /** Bytes of the packet that are there. */
  readonly cut?: number
}

/** A right packet of IP with this in it. */
export function whole(source: string, destination: string, segment: Segment): Parts {
  return {
    source,
    destination,
    segment,
    ttl: 64,
    tos: 0,
    id: 0x1234,
    bits: 0,
    options: [],
    extensions: [],
    wrong: {},
    pieces: [],
    padding: 0,
    vlan: undefined,
    broadcast: false,
  }
}

export function bytesOf(address: string): Uint8Array {
  const parsed: Address | undefined = parseAddress(address)
  if (parsed === undefined) throw new Error(`no address: ${address}`)
  return addressBytes(parsed)
}

const isV6 = (parts: Parts) => parts.source.includes(':')

/** Bytes that count up. */
export const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i)

/** The packets that it makes, without what is before IP: one, or one for each piece. */
export function packetsOf(parts: Parts): Uint8Array[] {
  const segment = withChecksum(parts, bodyOf(parts.segment))
  const pieces = parts.pieces.length > 0 ? parts.pieces : [undefined]
  return pieces.map((piece) => {
    const data = piece === undefined ? segment : segment.subarray(piece.from, piece.to)
    const packet = isV6(parts) ? packet6(parts, data, piece) : packet4(parts, data, piece)
    return packet.subarray(0, parts.wrong.cut ?? packet.length)
  })
}

/** The same as frames. */
export function framesOf(parts: Parts, from: Uint8Array, to: Uint8Array): Uint8Array[] {
  const destination = parts.broadcast ? Buffer.alloc(6, 0xff) : to
  const type = isV6(parts) ? [0x86, 0xdd] : [8, 0]
  const tag = parts.vlan === undefined ? [] : [0x81, 0, parts.vlan >> 8, parts.vlan & 0xff]
  return packetsOf(parts).map((packet) =>
    Buffer.concat([destination, from, Buffer.from([...tag, ...type]), packet, Buffer.alloc(parts.padding, 0xee)]),
  )
}

function bodyOf(segment: Segment): Buffer {
  switch (segment.kind) {
    case 'tcp': {
      const header = Buffer.alloc(20 + segment.options.length)
      header.writeUInt16BE(segment.ports[0], 0)
      header.writeUInt16BE(segment.ports[1], 2)
      header.writeUInt32BE(1000, 4)
      header.writeUInt32BE((segment.flags & 16) === 0 ? 0 : 2000, 8)
      header[12] = (segment.words ?? 5 + segment.options.length / 4) << 4
      header[13] = segment.flags
      header.writeUInt16BE(8192, 14)
      header.set(segment.options, 20)
      return Buffer.concat([header, counting(segment.length)])
    }
    case 'udp': {
      const header = Buffer.alloc(8)
      header.writeUInt16BE(segment.ports[0], 0)
      header.writeUInt16BE(segment.ports[1], 2)
      header.writeUInt16BE(segment.claimed ?? 8 + segment.length, 4)
      return Buffer.concat([header, counting(segment.length)])
    }
    case 'sctp': {
      const header = Buffer.alloc(12)
      header.writeUInt16BE(segment.ports[0], 0)
      header.writeUInt16BE(segment.ports[1], 2)
      header.writeUInt32BE(segment.chunks[0] === 1 ? 0 : 0x0102_0304, 4)
      const chunks = segment.chunks.map((type) => {
        const chunk = Buffer.alloc(4 + segment.length)
        chunk[0] = type
        chunk.writeUInt16BE(chunk.length, 2)
        chunk.set(counting(segment.length), 4)
        return chunk
      })
      return Buffer.concat([header, ...chunks])
    }
    case 'icmp': {
      const header = Buffer.alloc(8)
      header[0] = segment.type
      header[1] = segment.code
      header.writeUInt32BE(segment.rest, 4)
      return Buffer.concat([header, segment.body])
    }
    case 'other':
      return Buffer.from(segment.bytes)
  }
}

export function protocolOf({ segment, ...parts }: Parts): number {
  if (segment.kind === 'other') return segment.protocol
  return segment.kind === 'icmp' && parts.source.includes(':') ? PROTOCOL.icmp6 : PROTOCOL[segment.kind]
}

const CHECKSUM_AT = { tcp: 16, udp: 6, sctp: 8, icmp: 2 } as const

function withChecksum(parts: Parts, segment: Buffer): Buffer {
  const { kind } = parts.segment
  if (kind === 'other' || parts.wrong.segmentChecksum === 'zero') return segment
  const at = CHECKSUM_AT[kind]
  if (kind === 'sctp') segment.writeUInt32LE(crc32c(segment), at)
  else {
    const pseudo = Buffer.alloc(4)
    pseudo[1] = protocolOf(parts)
    pseudo.writeUInt16BE(segment.length, 2)
    const ends = [bytesOf(parts.source), bytesOf(parts.destination), pseudo]
    const sum = checksum(...(kind === 'icmp' && !isV6(parts) ? [] : ends), segment)
    segment.writeUInt16BE(kind === 'udp' && sum === 0 ? 0xffff : sum, at)
  }
  if (parts.wrong.segmentChecksum === 'wrong') segment.writeUInt16BE(segment.readUInt16BE(at) ^ 0x5a5a, at)
  return segment
}

function packet4(parts: Parts, data: Uint8Array, piece: Piece | undefined): Uint8Array {
  const { wrong, options } = parts
  const header = Buffer.alloc(20 + options.length)
  header[0] = ((wrong.version ?? 4) << 4) | (wrong.headerWords ?? header.length / 4)
  header[1] = parts.tos
  header.writeUInt16BE(clamp(header.length + data.length + (wrong.length ?? 0)), 2)
  header.writeUInt16BE(parts.id, 4)
  const place = piece === undefined ? 0 : (piece.more ? 0x2000 : 0) | (piece.from >> 3)
  header.writeUInt16BE((parts.bits << 13) | place, 6)
  header[8] = parts.ttl
  header[9] = protocolOf(parts)
  header.set(bytesOf(parts.source), 12)
  header.set(bytesOf(parts.destination), 16)
  header.set(options, 20)
  header.writeUInt16BE(checksum(header) ^ (wrong.ipChecksum === true ? 0x0101 : 0), 10)
  return Buffer.concat([header, data])
}

function packet6(parts: Parts, data: Uint8Array, piece: Piece | undefined): Uint8Array {
  const { wrong } = parts
  const extensions = parts.extensions.map(({ protocol, body }) => ({ protocol, body }))
  if (piece !== undefined) {
    const body = Buffer.alloc(6)
    body.writeUInt16BE((piece.from & 0xfff8) | (piece.more ? 1 : 0), 0)
    body.writeUInt32BE(parts.id, 2)
    extensions.push({ protocol: FRAGMENT, body })
  }
  const types = [...extensions.map(({ protocol }) => protocol), protocolOf(parts)]
  const chain = extensions.map(({ protocol, body }, i) => {
    const units = protocol === FRAGMENT ? 0 : (body.length + 2) / 8 - 1
    return Buffer.concat([Buffer.from([types[i + 1] ?? 0, units]), body])
  })
  const rest = Buffer.concat([...chain, data])
  const header = Buffer.alloc(40)
  header.writeUInt32BE((wrong.version ?? 6) * 2 ** 28 + parts.tos * 2 ** 20, 0)
  header.writeUInt16BE(clamp(rest.length + (wrong.length ?? 0)), 4)
  header[6] = types[0] ?? 0
  header[7] = parts.ttl
  header.set(bytesOf(parts.source), 8)
  header.set(bytesOf(parts.destination), 24)
  return Buffer.concat([header, rest])
}

const clamp = (length: number) => Math.min(0xffff, Math.max(0, length))
