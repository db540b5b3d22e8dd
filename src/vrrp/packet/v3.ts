import { millis } from '../../time.ts'
import { addressesAt, putAddresses } from './addresses.ts'
import { ADVERTISEMENT, type Advertisement, HEADER_LENGTH } from './advertisement.ts'

/**
 * VRRP version 3 (RFC 9568 §5.1):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |Version| Type  | Virtual Rtr ID|   Priority    | Count IPvX    |
 *     |(rsvd) |  Max Advertise Int    |          Checksum             |
 *     |                      IPvX Address (1..n)                      |
 *
 * Its interval is in hundredths of a second. The reserved bits are zero when sent and ignored when received (§5.2.6).
 */
const INTERVAL_BITS = 0x0fff

/** How long the message is whose header this is; the header is there. */
export const v3Length = (header: DataView, addressLength: 4 | 16): number =>
  HEADER_LENGTH + header.getUint8(3) * addressLength

/** The message, without its checksum. */
export function encodeV3({ vrid, priority, interval, addresses }: Advertisement, addressLength: 4 | 16): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + addresses.length * addressLength)
  bytes.set([(3 << 4) | ADVERTISEMENT, vrid, priority, addresses.length])
  new DataView(bytes.buffer).setUint16(4, Math.round(interval / 10) & INTERVAL_BITS)
  putAddresses(bytes, addresses)
  return bytes
}

/** Reads a message of the length that its header says. */
export function decodeV3(message: Uint8Array, addressLength: 4 | 16): Advertisement {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  return {
    version: 3,
    vrid: view.getUint8(1),
    priority: view.getUint8(2),
    interval: millis((view.getUint16(4) & INTERVAL_BITS) * 10),
    addresses: addressesAt(view, view.getUint8(3), addressLength),
  }
}
