import type { AdvertChecksum } from '../../model/vrrp.ts'
import { addressBytes, isIpv4 } from '../../net/address.ts'
import { checksum } from '../../net/checksum.ts'
import { VRRP_GROUP } from '../../net/ipv4.ts'
import { CHECKSUM_OFFSET, type Path, VRRP_PROTOCOL } from './advertisement.ts'

/** The forms that an advert of version 3 over IPv4 may have. It protects against damage, not against attack: any of them will do. */
export const CHECKSUM_FORMS = ['pseudo-header', 'plain', 'old-unicast'] as const satisfies readonly AdvertChecksum[]

/** The checksum that has this form of a message whose own checksum field holds zero; of one that holds it: zero. */
function sumOf(form: AdvertChecksum, { source, destination }: Path, message: Uint8Array): number {
  switch (form) {
    case 'plain':
      return checksum(message)
    case 'pseudo-header':
      return checksum(pseudoHeader({ source, destination }, message.length), message)
    case 'old-unicast':
      return checksum(pseudoHeader({ source, destination: VRRP_GROUP }, message.length), message)
  }
}

/** Writes the checksum into the message. `covered`: what it covers, the message first. */
export function setChecksum(form: AdvertChecksum, path: Path, covered: Uint8Array): void {
  const view = new DataView(covered.buffer, covered.byteOffset, covered.byteLength)
  view.setUint16(CHECKSUM_OFFSET, 0)
  view.setUint16(CHECKSUM_OFFSET, sumOf(form, path, covered))
}

/** Version 2 has no pseudo-header in IPv4 (RFC 3768 §5.3.8); in IPv6, which no RFC has, it is the kernel's, with one. */
export const v2Form = ({ source }: Path): AdvertChecksum => (isIpv4(source) ? 'plain' : 'pseudo-header')

/** IPv6 has always a pseudo-header (RFC 9568 §5.2.8), whatever is wanted of IPv4. */
export const v3Form = ({ source }: Path, wanted: AdvertChecksum): AdvertChecksum =>
  isIpv4(source) ? wanted : 'pseudo-header'

/** Which of the forms that it may have makes the checksum of what was received right, or undefined. */
export function rightForm(version: 2 | 3, path: Path, covered: Uint8Array): AdvertChecksum | undefined {
  const forms = version === 2 ? [v2Form(path)] : isIpv4(path.source) ? CHECKSUM_FORMS : (['pseudo-header'] as const)
  return forms.find((form) => sumOf(form, path, covered) === 0)
}

/**
 * IPv4 (RFC 5798 §5.2.8), 12 bytes, and IPv6 (RFC 8200 §8.1), 40 bytes:
 *
 *     |   Source (4)  | Destination (4) | 0 | Protocol (1) |  Length (2)  |
 *     |   Source (16) | Destination (16) |  Length (4)  |  0 (3)  | Next header (1) |
 */
function pseudoHeader({ source, destination }: Path, length: number): Uint8Array {
  const from = addressBytes(source)
  const bytes = new Uint8Array(from.length === 4 ? 12 : 40)
  const view = new DataView(bytes.buffer)
  bytes.set(from, 0)
  bytes.set(addressBytes(destination), from.length)
  if (from.length === 4) {
    bytes[9] = VRRP_PROTOCOL
    view.setUint16(10, length)
  } else {
    view.setUint32(32, length)
    bytes[39] = VRRP_PROTOCOL
  }
  return bytes
}
