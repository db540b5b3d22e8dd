import ipaddr from 'ipaddr.js'

/** An IPv4 address in its one canonical dotted form, so that equal addresses are equal strings. */
export type Ipv4 = string & { readonly kind: 'ipv4' }

/** The VRRP multicast group, RFC 9568 §5.1.1.2. */
export const VRRP_GROUP = '224.0.0.18' as Ipv4

/** An address written as four decimal parts, or undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? (ipaddr.IPv4.parse(text).toString() as Ipv4) : undefined
}

/** The four bytes in network order. By hand, since each packet that is sent or received asks several times. */
export function ipv4Bytes(address: Ipv4): Uint8Array {
  const bytes = new Uint8Array(4)
  let at = 0
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i)
    if (code === DOT) at++
    else bytes[at] = (bytes[at] ?? 0) * 10 + code - ZERO
  }
  return bytes
}

const DOT = 0x2e
const ZERO = 0x30

/** Reads four bytes in network order. The caller has checked that they are there. */
export function ipv4At(bytes: DataView, offset: number): Ipv4 {
  const [a, b, c, d] = [
    bytes.getUint8(offset),
    bytes.getUint8(offset + 1),
    bytes.getUint8(offset + 2),
    bytes.getUint8(offset + 3),
  ]
  return `${a}.${b}.${c}.${d}` as Ipv4
}

/** Whether a real server, a peer or a virtual address may have this address. */
export function isUnicast(address: Ipv4): boolean {
  return !isIpv4Multicast(address) && address !== '255.255.255.255' && firstByte(address) !== 0
}

/** 224.0.0.0/4. */
export function isIpv4Multicast(address: Ipv4): boolean {
  return firstByte(address) >> 4 === 14
}

const firstByte = (address: Ipv4): number => Number(address.slice(0, address.indexOf('.')))
