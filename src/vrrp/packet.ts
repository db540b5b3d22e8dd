import { checksum } from '../net/checksum.ts'
import { type Ipv4, ipv4At, ipv4Bytes } from '../net/ipv4.ts'
import type { VrrpVersion } from '../model/vrrp.ts'
import { type Millis, millis } from '../time.ts'

/**
 * VRRP advertisements. Version 2 (RFC 3768 §5.1):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
 *     |   Auth Type   |   Adver Int   |          Checksum             |
 *     |                        IP Address (1..n)                      |
 *     |                     Authentication Data (8)                   |
 *
 * Version 3 (RFC 9568 §5.1) has `rsvd (4) | Max Advertise Interval (12)` in place of the two authentication and interval
 * bytes, and no authentication data.
 */
export interface Advertisement {
  readonly version: VrrpVersion
  readonly vrid: number
  readonly priority: number
  /** Zero means that the sender gives up its role (RFC 9568 §5.2.4). */
  readonly interval: Millis
  readonly addresses: readonly Ipv4[]
  /** Version 2, type PASS. Undefined: no authentication. */
  readonly password: string | undefined
}

/** Why a received packet was not used. Each has a counter. */
export type DropReason =
  | 'truncated'
  | 'ttl'
  | 'version'
  | 'type'
  | 'checksum'
  | 'count-zero'
  | 'interval-zero'
  | 'interval'
  /** The password is another one. */
  | 'authentication'
  /** A password where there should be none, or none where there should be one. */
  | 'authentication-type'
  /** A type of authentication that there is not. */
  | 'authentication-unknown'
  | 'virtual-router'
  | 'cast'
  | 'peer'

/** Where a packet came from and went to; part of the version 3 checksum. */
export interface Path {
  readonly source: Ipv4
  readonly destination: Ipv4
}

/** IP protocol number, RFC 9568 §5.1.1.4. */
export const VRRP_PROTOCOL = 112
const ADVERTISEMENT = 1
const HEADER_LENGTH = 8
const ADDRESS_LENGTH = 4
const AUTH_LENGTH = 8
const CHECKSUM_OFFSET = 6
const AUTH_NONE = 0
const AUTH_PASS = 1
/** Begins what stands for an unknown type; a password ends at its first zero. */
const UNKNOWN_TYPE = '\0type '

/** The bytes of an advertisement, checksum included. */
export function encodeAdvertisement(advert: Advertisement, path: Path): Uint8Array {
  const addressEnd = HEADER_LENGTH + advert.addresses.length * ADDRESS_LENGTH
  const bytes = new Uint8Array(addressEnd + (advert.version === 2 ? AUTH_LENGTH : 0))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, (advert.version << 4) | ADVERTISEMENT)
  view.setUint8(1, advert.vrid)
  view.setUint8(2, advert.priority)
  view.setUint8(3, advert.addresses.length)
  advert.addresses.forEach((address, i) => bytes.set(ipv4Bytes(address), HEADER_LENGTH + i * ADDRESS_LENGTH))
  switch (advert.version) {
    case 2:
      view.setUint8(4, advert.password === undefined ? AUTH_NONE : AUTH_PASS)
      view.setUint8(5, Math.round(advert.interval / 1000))
      if (advert.password !== undefined) bytes.set(passwordBytes(advert.password), addressEnd)
      view.setUint16(CHECKSUM_OFFSET, checksum(bytes))
      break
    case 3:
      view.setUint16(4, Math.round(advert.interval / 10) & 0x0fff)
      view.setUint16(CHECKSUM_OFFSET, checksum(pseudoHeader(path, bytes.length), bytes))
      break
  }
  return bytes
}

/** Reads an advertisement: the checks of RFC 9568 §7.1 that need nothing but the packet. */
export function decodeAdvertisement(bytes: Uint8Array, path: Path): Advertisement | DropReason {
  if (bytes.length < HEADER_LENGTH) return 'truncated'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(0) >> 4
  if (version !== 2 && version !== 3) return 'version'
  if ((view.getUint8(0) & 0x0f) !== ADVERTISEMENT) return 'type'
  const count = view.getUint8(3)
  const addressEnd = HEADER_LENGTH + count * ADDRESS_LENGTH
  const length = addressEnd + (version === 2 ? AUTH_LENGTH : 0)
  if (bytes.length < length) return 'truncated'
  const message = bytes.subarray(0, length)
  // RFC 9568 §5.2.8 leaves the IPv4 pseudo-header out; keepalived and FRR put it in. It protects against damage, not
  // against attack, so either is taken.
  const plain = checksum(message) === 0
  if (!plain && (version === 2 || checksum(pseudoHeader(path, length), message) !== 0)) return 'checksum'
  if (count === 0) return 'count-zero' // erratum 8299
  const interval = millis(version === 2 ? view.getUint8(5) * 1000 : (view.getUint16(4) & 0x0fff) * 10)
  if (interval === 0) return 'interval-zero' // erratum 8301
  return {
    version,
    vrid: view.getUint8(1),
    priority: view.getUint8(2),
    interval,
    addresses: Array.from({ length: count }, (_, i) => ipv4At(view, HEADER_LENGTH + i * ADDRESS_LENGTH)),
    password: version === 2 ? decodePassword(view.getUint8(4), bytes.subarray(addressEnd, length)) : undefined,
  }
}

/** RFC 2338 §5.3.6: up to 8 bytes, padded with zeros. */
function passwordBytes(password: string): Uint8Array {
  return Buffer.from(password).subarray(0, AUTH_LENGTH)
}

/** The password as it would be configured. An unknown type becomes one that no configuration can hold. */
function decodePassword(type: number, data: Uint8Array): string | undefined {
  if (type === AUTH_NONE) return undefined
  if (type !== AUTH_PASS) return `${UNKNOWN_TYPE}${type}`
  const end = data.indexOf(0)
  return Buffer.from(data.subarray(0, end === -1 ? AUTH_LENGTH : end)).toString()
}

/** Why a received password is not the configured one, of which the first 8 bytes count; undefined: it is. */
export function passwordError(received: string | undefined, configured: string | undefined): DropReason | undefined {
  if (received?.startsWith(UNKNOWN_TYPE) === true) return 'authentication-unknown'
  if (received === undefined || configured === undefined) {
    return received === configured ? undefined : 'authentication-type'
  }
  return Buffer.from(received).equals(passwordBytes(configured)) ? undefined : 'authentication'
}

function pseudoHeader(path: Path, length: number): Uint8Array {
  const bytes = new Uint8Array(12)
  bytes.set(ipv4Bytes(path.source), 0)
  bytes.set(ipv4Bytes(path.destination), 4)
  bytes[9] = VRRP_PROTOCOL
  new DataView(bytes.buffer).setUint16(10, length)
  return bytes
}
