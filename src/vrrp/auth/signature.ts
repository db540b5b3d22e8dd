import { createHmac, timingSafeEqual } from 'node:crypto'
import type { HmacKey } from '../../model/vrrp.ts'
import { type Address, addressBytes, isIpv4 } from '../../net/address.ts'
import type { DropReason } from '../drop-reason.ts'
import { CHECKSUM_OFFSET } from '../packet/advertisement.ts'

/**
 * The trailer of `auth_hmac` behind an advert, 28 bytes, as keepalived 2.4.2 sends it (draft-cassen-vrrp-auth-hmac):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |   Type = 1    |    Key id     |           Reserved            |
 *     |                  Sequence: seconds since 1970                 |
 *     |   Sequence: 1/65536 second    |      Sequence: counter        |
 *     |             First 16 bytes of HMAC-SHA256 (16)                |
 *
 * It is over a pseudo-header, the message with a checksum of zero, and the trailer with zeros in place of the HMAC:
 *
 *     | Family, 4 or 6 (1) | Version (1) | VRID (1) | 0 (1) | Source, IPv4 padded with zeros (16) |
 *
 * The destination is not covered, so that one signature is for all peers.
 */
export const TRAILER_LENGTH = 28
const TYPE = 1
const SEQUENCE_OFFSET = 4
const HMAC_OFFSET = 12
const HMAC_LENGTH = 16

/** The trailer for a message. `sequence`: 64 bits. */
export function sign(message: Uint8Array, source: Address, key: HmacKey, sequence: bigint): Uint8Array {
  const trailer = new Uint8Array(TRAILER_LENGTH)
  trailer.set([TYPE, key.id])
  new DataView(trailer.buffer).setBigUint64(SEQUENCE_OFFSET, sequence)
  trailer.set(hmacOf(message, source, key, trailer), HMAC_OFFSET)
  return trailer
}

/** Whether one of these keys has signed a message: its sequence number, or why not. That it is new, the caller finds out. */
export function verify(
  message: Uint8Array,
  trailer: Uint8Array,
  source: Address,
  keys: readonly HmacKey[],
): bigint | DropReason {
  if (trailer.length === 0) return 'unsigned'
  if (trailer.length !== TRAILER_LENGTH || trailer[0] !== TYPE || trailer[2] !== 0 || trailer[3] !== 0) {
    return 'signature-form'
  }
  const key = keys.find(({ id }) => id === trailer[1])
  if (key === undefined) return 'signature-key'
  if (!timingSafeEqual(hmacOf(message, source, key, trailer), trailer.subarray(HMAC_OFFSET))) return 'signature'
  return new DataView(trailer.buffer, trailer.byteOffset).getBigUint64(SEQUENCE_OFFSET)
}

function hmacOf(message: Uint8Array, source: Address, key: HmacKey, trailer: Uint8Array): Uint8Array {
  if (!('hex' in key)) throw new Error(`the key ${key.id} is still in its file`)
  const pseudoHeader = new Uint8Array(20)
  pseudoHeader.set([isIpv4(source) ? 4 : 6, (message[0] ?? 0) >> 4, message[1] ?? 0])
  pseudoHeader.set(addressBytes(source), 4)
  const unsummed = Uint8Array.from(message)
  unsummed.fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + 2)
  const hmac = createHmac('sha256', Buffer.from(key.hex, 'hex'))
  hmac
    .update(pseudoHeader)
    .update(unsummed)
    .update(trailer.subarray(0, HMAC_OFFSET))
    .update(new Uint8Array(HMAC_LENGTH))
  return hmac.digest().subarray(0, HMAC_LENGTH)
}
