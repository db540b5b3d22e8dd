import { millis } from '../../time.ts'
import { addressesAt, putAddresses } from './addresses.ts'
import { ADVERTISEMENT, type Advertisement, HEADER_LENGTH } from './advertisement.ts'

/**
 * VRRP version 2 (RFC 3768 §5.1, RFC 2338 §5.3.6 for the authentication):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
 *     |   Auth Type   |   Adver Int   |          Checksum             |
 *     |                        IP Address (1..n)                      |
 *     |                     Authentication Data (8)                   |
 *
 * Its interval is in seconds. There are the eight bytes of authentication data whatever the type is.
 */
export const AUTHENTICATION_LENGTH = 8

/** Authentication types (RFC 2338 §5.3.6). */
export const AUTH_TYPE = { none: 0, pass: 1, ah: 2 } as const

/** The authentication that stands in the message itself. */
export interface V2Authentication {
  /** As it stands in the byte, known or not. */
  readonly type: number
  /** Eight bytes. */
  readonly data: Uint8Array
}

/** How long the message is whose header this is; the header is there. */
export const v2Length = (header: DataView, addressLength: 4 | 16): number =>
  HEADER_LENGTH + header.getUint8(3) * addressLength + AUTHENTICATION_LENGTH

/** The message, without its checksum. */
export function encodeV2(
  { vrid, priority, interval, addresses }: Advertisement,
  authentication: V2Authentication,
  addressLength: 4 | 16,
): Uint8Array {
  const addressEnd = HEADER_LENGTH + addresses.length * addressLength
  const bytes = new Uint8Array(addressEnd + AUTHENTICATION_LENGTH)
  bytes.set([(2 << 4) | ADVERTISEMENT, vrid, priority, addresses.length, authentication.type])
  bytes[5] = Math.round(interval / 1000)
  putAddresses(bytes, addresses)
  bytes.set(authentication.data, addressEnd)
  return bytes
}

/** Reads a message of the length that its header says. */
export function decodeV2(
  message: Uint8Array,
  addressLength: 4 | 16,
): { readonly advert: Advertisement; readonly authentication: V2Authentication } {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const advert: Advertisement = {
    version: 2,
    vrid: view.getUint8(1),
    priority: view.getUint8(2),
    interval: millis(view.getUint8(5) * 1000),
    addresses: addressesAt(view, view.getUint8(3), addressLength),
  }
  return { advert, authentication: { type: view.getUint8(4), data: message.subarray(-AUTHENTICATION_LENGTH) } }
}
