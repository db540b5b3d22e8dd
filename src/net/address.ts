import ipaddr from 'ipaddr.js'
import { type Ipv4, ipv4Bytes, isIpv4Multicast, isUnicast, parseIpv4 } from './ipv4.ts'

/** An IPv6 address in the one form of RFC 5952, so that equal addresses are equal strings. No zone. */
export type Ipv6 = string & { readonly kind: 'ipv6' }

export type Address = Ipv4 | Ipv6

/** The VRRP multicast group of IPv6, RFC 9568 §5.1.2.2. */
export const VRRP_GROUP6 = 'ff02::12' as Ipv6

/** An address of either family, or undefined. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return parseIpv4(text)
  return ipaddr.IPv6.isValid(text) && !text.includes('%')
    ? (ipaddr.IPv6.parse(text).toRFC5952String() as Ipv6)
    : undefined
}

export function isIpv4(address: Address): address is Ipv4 {
  return !address.includes(':')
}

/** The four or sixteen bytes in network order. */
export function addressBytes(address: Address): Uint8Array {
  return isIpv4(address) ? ipv4Bytes(address) : Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray())
}

/** Negative, zero or positive as `a` is below, equal to or above `b`, both of one family, as unsigned numbers (RFC 9568 §6.4.3). */
export function compareAddresses(a: Address, b: Address): number {
  return Buffer.compare(addressBytes(a), addressBytes(b))
}

/** The bytes of an address, of whatever family, as a text that sorts as they do, IPv4 first. */
export function addressText(bytes: Uint8Array): string {
  return `${bytes.length === 4 ? 4 : 6} ${Buffer.from(bytes).toString('hex')}`
}

/** Reads sixteen bytes in network order. The caller has checked that they are there. */
export function ipv6At(bytes: DataView, offset: number): Ipv6 {
  const parts = [0, 2, 4, 6, 8, 10, 12, 14].map((i) => bytes.getUint16(offset + i))
  return new ipaddr.IPv6(parts).toRFC5952String() as Ipv6
}

/** The address as an unsigned number of 32 bits: that of IPv4, or the four words of IPv6 added without carry. */
export function foldedAddress(address: Address): number {
  const bytes = addressBytes(address)
  const view = new DataView(bytes.buffer)
  let folded = 0
  for (let offset = 0; offset < bytes.length; offset += 4) folded ^= view.getUint32(offset)
  return folded >>> 0
}

/** Bits of an address of this family. */
export function addressBits(address: Address): 32 | 128 {
  return isIpv4(address) ? 32 : 128
}

/** Whether a real server, a peer or a virtual address may have this address. */
export function isUnicastAddress(address: Address): boolean {
  if (isIpv4(address)) return isUnicast(address)
  const range = ipaddr.IPv6.parse(address).range()
  return range !== 'multicast' && range !== 'unspecified'
}

/** fe80::/10, which an interface has for itself (RFC 4291 §2.5.6). */
export function isLinkLocal(address: Address): boolean {
  return !isIpv4(address) && ipaddr.IPv6.parse(address).range() === 'linkLocal'
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: Address): boolean {
  return isIpv4(address) ? isIpv4Multicast(address) : ipaddr.IPv6.parse(address).range() === 'multicast'
}

/** ::ffff:0:0/96, an IPv4 address in IPv6's form (RFC 4291 §2.5.5.2). */
export function isMappedIpv4(address: Address): boolean {
  return !isIpv4(address) && ipaddr.IPv6.parse(address).isIPv4MappedAddress()
}
