import type { Address } from './address.ts'
import { decodeIpHeader } from './ip-header.ts'

/** What matters of the IP header, of either family, to who gets the payload. */
export interface PacketHeader {
  readonly source: Address
  readonly destination: Address
  /** TTL, or hop limit, as it arrived. */
  readonly ttl: number
}

/** What has come in for one IP protocol. Padding of the link is outside. */
export interface IpPacket {
  readonly header: PacketHeader
  /** All of it, in IPv4. */
  readonly ipHeader: Uint8Array | undefined
  readonly payload: Uint8Array
}

/** What a raw IPv4 socket gets; undefined when it is not a whole packet. */
export function ipv4Packet(data: Uint8Array): IpPacket | undefined {
  const header = decodeIpHeader(data)
  if (header === undefined) return undefined
  const { payloadStart, payloadEnd } = header
  return { header, ipHeader: data.subarray(0, payloadStart), payload: data.subarray(payloadStart, payloadEnd) }
}
