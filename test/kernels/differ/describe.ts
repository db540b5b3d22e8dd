import { ipv6At } from '../../../src/net/address.ts'
import { checksum } from '../../../src/net/checksum.ts'
import { ETHERNET, PROTOCOL } from './packet.ts'

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PROTOCOL).map(([name, number]) => [number, name]))
const FLAGS = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'W'] as const

/** A frame in one line. */
export function describeFrame(bytes: Uint8Array): string {
  const frame = Buffer.from(bytes)
  const vlan = frame.readUInt16BE(12) === 0x8100
  const at = vlan ? ETHERNET + 4 : ETHERNET
  const where = `to ${frame.toString('hex', 0, 6)}${vlan ? ` vlan ${frame.readUInt16BE(14) & 0xfff}` : ''}`
  return `${where}: ${describePacket(frame.subarray(at))} (${frame.length - at} bytes)`
}

function describePacket(packet: Buffer): string {
  if (packet.length < 20) return 'cut'
  const version = (packet[0] ?? 0) >> 4
  if (version === 6 && packet.length >= 40) return describe6(packet)
  return version === 4 ? describe4(packet) : `version ${version}`
}

function describe4(packet: Buffer): string {
  const header = ((packet[0] ?? 0) & 15) * 4
  const place = packet.readUInt16BE(6)
  const sum = header <= packet.length && checksum(packet.subarray(0, header)) === 0 ? '' : ' wrong IP checksum'
  const options = header > 20 ? ` options ${packet.toString('hex', 20, header)}` : ''
  const bits = `${(place & 0x8000) === 0 ? '' : ' reserved'}${(place & 0x4000) === 0 ? '' : ' DF'}`
  const fragment = (place & 0x3fff) === 0 ? '' : ` fragment ${(place & 0x1fff) * 8}${(place & 0x2000) === 0 ? '' : '+'}`
  const ends = [12, 16].map((at) => packet.subarray(at, at + 4).join('.'))
  const about = `ttl ${packet[8]} id ${packet.readUInt16BE(4)} length ${packet.readUInt16BE(2)}${bits}${fragment}${options}${sum}`
  const later = (place & 0x1fff) !== 0
  return `${ends.join(' > ')} ${later ? `protocol ${packet[9]}` : describeSegment(packet[9] ?? 0, packet.subarray(header))}, ${about}`
}

function describe6(packet: Buffer): string {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  const ends = [ipv6At(view, 8), ipv6At(view, 24)]
  let [protocol, at, chain] = [packet[6] ?? 0, 40, '']
  while ([0, 43, 44, 60, 135].includes(protocol) && at + 8 <= packet.length) {
    const place = packet.readUInt16BE(at + 2)
    chain += protocol === 44 ? ` fragment ${place & 0xfff8}${place & 1 ? '+' : ''}` : ` header ${protocol}`
    if (protocol === 44 && place >= 8) return `${ends.join(' > ')}${chain}`
    const length = protocol === 44 ? 8 : 8 + 8 * (packet[at + 1] ?? 0)
    ;[protocol, at] = [packet[at] ?? 0, at + length]
  }
  const about = `ttl ${packet[7]} length ${packet.readUInt16BE(4)}${chain}`
  return `${ends.join(' > ')} ${describeSegment(protocol, packet.subarray(at))}, ${about}`
}

function describeSegment(protocol: number, segment: Buffer): string {
  const name = NAMES.get(protocol) ?? `protocol ${protocol}`
  if (protocol === 4 || protocol === 41) return `{${describePacket(segment)}}`
  if (segment.length < 8) return `${name} ${segment.toString('hex')}`
  const ports = `${segment.readUInt16BE(0)}>${segment.readUInt16BE(2)}`
  switch (name) {
    case 'tcp': {
      const flags = FLAGS.filter((_, bit) => ((segment[13] ?? 0) >> bit) & 1).join('')
      return `${name} ${ports} [${flags}]`
    }
    case 'udp':
      return `${name} ${ports} length ${segment.readUInt16BE(4)}`
    case 'sctp':
      return `${name} ${ports} chunk ${segment[12]}`
    case 'icmp':
    case 'icmp6':
      return `${name} ${segment[0]}/${segment[1]} rest ${segment.toString('hex', 4, 8)} {${describePacket(segment.subarray(8))}}`
    default:
      return name
  }
}
