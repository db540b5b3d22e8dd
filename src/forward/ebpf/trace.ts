import type { SeenHeader, Traced, TracePacket } from '../../model/trace.ts'
import { addressBytes, ipv6At, isIpv4 } from '../../net/address.ts'
import { checksum } from '../../net/checksum.ts'
import { ipv4At } from '../../net/ipv4.ts'
import type { DestEntry } from './layout/destination-layout.ts'

const TCP = 6
const UDP = 17
const GRE = 47
const ETHERNET = 14
const RULES = [undefined, 'connection', 'template', 'scheduler', 'reply', 'denied', 'closed', 'ended'] as const
const VERDICT = { pass: -1, drop: 2 } as const

/** The frame that opens a connection: a SYN, or a datagram of four bytes. */
export function traceFrame({ protocol, client, virtual }: TracePacket): Uint8Array {
  const l4 = Buffer.alloc(protocol === 'TCP' ? 20 : 12)
  l4.writeUInt16BE(client.port, 0)
  l4.writeUInt16BE(virtual.port, 2)
  if (protocol === 'TCP') l4.set([5 << 4, 2], 12)
  else l4.writeUInt16BE(l4.length, 4)
  const number = protocol === 'TCP' ? TCP : UDP
  const [from, to] = [addressBytes(client.address), addressBytes(virtual.address)]
  l4.writeUInt16BE(checksum(from, to, Uint8Array.of(0, number, 0, l4.length), l4), protocol === 'TCP' ? 16 : 6)
  const ipv4 = isIpv4(client.address)
  const ip = Buffer.alloc(ipv4 ? 20 : 40)
  if (ipv4) {
    ip[0] = 0x45
    ip.writeUInt16BE(20 + l4.length, 2)
    ip.writeUInt16BE(0x4000, 6)
    ip.set([64, number], 8)
    ip.set([...from, ...to], 12)
    ip.writeUInt16BE(checksum(ip), 10)
  } else {
    ip[0] = 0x60
    ip.writeUInt16BE(l4.length, 4)
    ip.set([number, 64, ...from, ...to], 6)
  }
  const ethernet = Buffer.alloc(ETHERNET)
  ethernet.writeUInt16BE(ipv4 ? 0x0800 : 0x86dd, 12)
  return Uint8Array.from(Buffer.concat([ethernet, ip, l4]))
}

/** Reads what the program has made of it; `rule` is its `enum rule`, `access` what the access list has decided. */
export function decodeTrace(
  run: { readonly result: number; readonly packet: Uint8Array },
  rule: number,
  dest: DestEntry | undefined,
  access: Traced['access'],
): Traced {
  const leaves = headersOf(run.packet.subarray(ETHERNET))
  const isError = leaves[0] !== undefined && (leaves[0].protocol === 1 || leaves[0].protocol === 58)
  const server =
    dest === undefined || RULES[rule] === 'denied'
      ? undefined
      : { service: dest.service, endpoint: dest.endpoint, forwarding: dest.forwarding, hop: dest.hop }
  const known = { rule: RULES[rule], access, server }
  if (run.result === VERDICT.drop) return { outcome: 'dropped', ...known, leaves: [] }
  if (run.result === VERDICT.pass && dest?.hop !== 'local') return { outcome: 'stack', ...known, leaves }
  return { outcome: isError ? 'refused' : 'forwarded', ...known, leaves }
}

/** The headers of a packet and of those within it. */
function headersOf(packet: Uint8Array): SeenHeader[] {
  const bytes = Buffer.from(packet)
  const version = (bytes[0] ?? 0) >> 4
  const length = version === 4 ? 20 : 40
  if ((version !== 4 && version !== 6) || bytes.length < length + 4) return []
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const protocol = bytes[version === 4 ? 9 : 6] ?? 0
  const header: SeenHeader = {
    protocol,
    source: version === 4 ? ipv4At(view, 12) : ipv6At(view, 8),
    destination: version === 4 ? ipv4At(view, 16) : ipv6At(view, 24),
    ttl: bytes[version === 4 ? 8 : 7] ?? 0,
    ports:
      protocol === TCP || protocol === UDP ? [bytes.readUInt16BE(length), bytes.readUInt16BE(length + 2)] : undefined,
  }
  if (protocol === 4 || protocol === 41) return [header, ...headersOf(packet.subarray(length))]
  if (protocol === GRE)
    return [header, ...headersOf(packet.subarray(length + ((bytes[length] ?? 0) >> 7 === 1 ? 8 : 4)))]
  // A datagram that holds a packet behind four bytes is GUE; what else begins with 4 or 6 there is too short to be one.
  if (protocol === UDP) return [header, ...headersOf(packet.subarray(length + 12))]
  return [header]
}
