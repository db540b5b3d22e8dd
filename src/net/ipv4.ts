import ipaddr from 'ipaddr.js'

/** An IPv4 address in its one canonical dotted form, so that equal addresses are equal strings. */
export type Ipv4 = string & { readonly kind: 'ipv4' }

/** The VRRP multicast group, RFC 9568 §5.1.1.2. */
export const VRRP_GROUP = '224.0.0.18' as Ipv4

/** An address written as four decimal parts, or undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? (ipaddr.IPv4.parse(text).toString() as Ipv4) : undefined
}

/** The four bytes in network order. */
export function ipv4Bytes(address: Ipv4): Uint8Array {
  return Uint8Array.from(ipaddr.IPv4.parse(address).octets)
}

/** The address as an unsigned number. */
export function ipv4Number(address: Ipv4): number {
  return new DataView(ipv4Bytes(address).buffer).getUint32(0)
}

/** Reads four bytes in network order. The caller has checked that they are there. */
export function ipv4At(bytes: DataView, offset: number): Ipv4 {
  return [0, 1, 2, 3].map((i) => bytes.getUint8(offset + i)).join('.') as Ipv4
}

/** Negative, zero or positive as `a` is below, equal to or above `b` as an unsigned number (RFC 9568 §6.4.3). */
export function compareIpv4(a: Ipv4, b: Ipv4): number {
  return ipv4Number(a) - ipv4Number(b)
}

/** Whether a real server, a peer or a virtual address may have this address. */
export function isUnicast(address: Ipv4): boolean {
  const range = ipaddr.IPv4.parse(address).range()
  return range !== 'multicast' && range !== 'broadcast' && range !== 'unspecified'
}
