import { type Address, addressBytes, isIpv4 } from './address.ts'
import { checksum } from './checksum.ts'

/** IP protocol number. */
export const TCP_PROTOCOL = 6
/** Where the checksum lies. */
export const TCP_CHECKSUM_OFFSET = 16
const SYN = 0x02
const ACK = 0x10
const HEADER = 20
/** Maximum segment size, RFC 9293 §3.2: kind 2, 4 bytes. */
const MSS_OPTION = 4
const WINDOW = 64_240
/** What Ethernet leaves, without the IP header of either family. */
const MSS = { ipv4: 1460, ipv6: 1440 } as const

/** One end of a connection. */
interface End {
  readonly address: Address
  readonly port: number
}

/** A segment that opens a connection, with its checksum. Both ends are of one family. */
export function synSegment(from: End, to: End, sequence: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + MSS_OPTION)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, from.port)
  view.setUint16(2, to.port)
  view.setUint32(4, sequence)
  bytes[12] = (bytes.length / 4) << 4
  bytes[13] = SYN
  view.setUint16(14, WINDOW)
  bytes.set([2, MSS_OPTION], HEADER)
  view.setUint16(HEADER + 2, isIpv4(to.address) ? MSS.ipv4 : MSS.ipv6)
  const rest = Uint8Array.of(0, 0, 0, TCP_PROTOCOL, 0, 0, 0, bytes.length)
  const pseudoHeader = [addressBytes(from.address), addressBytes(to.address), rest]
  view.setUint16(TCP_CHECKSUM_OFFSET, checksum(...pseudoHeader, bytes))
  return bytes
}

/** What answers a segment that opens a connection, by accepting it. */
export interface SynAck {
  readonly fromPort: number
  readonly toPort: number
  /** The number of the segment that is answered. */
  readonly sequence: number
}

/** Undefined: it is something else, such as a refusal. */
export function decodeSynAck(bytes: Uint8Array): SynAck | undefined {
  if (bytes.length < HEADER || ((bytes[13] ?? 0) & 0x17) !== (SYN | ACK)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { fromPort: view.getUint16(0), toPort: view.getUint16(2), sequence: (view.getUint32(8) - 1) >>> 0 }
}
