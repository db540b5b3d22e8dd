import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DropReason } from '../drop-reason.ts'
import { VRRP_PROTOCOL } from '../packet/advertisement.ts'
import { passwordBytes } from './password.ts'

/**
 * The Authentication Header of RFC 2402 §2 as keepalived puts it between the IPv4 header and an advert, 24 bytes:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |  Next = 112   |  Length = 4   |           Reserved            |
 *     |           SPI: the source address of the packet               |
 *     |                        Sequence number                        |
 *     |        First 12 bytes of HMAC-MD5: HMAC-MD5-96 (12)           |
 *
 * The HMAC is over the whole packet with zeros in place of itself and of what changes on the way: type of service, fragmentation and
 * checksum of the IPv4 header, in unicast its TTL, too. In multicast the TTL is covered as it is sent (RFC 2402 leaves it out, keepalived
 * does not). The key is the password.
 */
export const AH_PROTOCOL = 51
export const AH_LENGTH = 24
/** In words of four bytes, less two. */
const LENGTH_FIELD = 4
const SPI_OFFSET = 4
const SEQUENCE_OFFSET = 8
const ICV_OFFSET = 12
const ICV_LENGTH = 12
/** Where the IPv4 header is changed on the way: its bytes from and up to. */
const CHANGING = [
  [1, 2],
  [6, 8],
  [10, 12],
] as const
const TTL_OFFSET = 8
const SOURCE_OFFSET = 12
const DESTINATION_OFFSET = 16

/** 224.0.0.0/4. */
const isMulticast = (ip: Uint8Array): boolean => (ip[DESTINATION_OFFSET] ?? 0) >> 4 === 0xe

const sourceOf = (ip: Uint8Array): Uint8Array => ip.subarray(SOURCE_OFFSET, SOURCE_OFFSET + 4)

/** The header for an advert. `ip`: the IPv4 header, with length and identification as they will be sent. */
export function authenticationHeader(
  ip: Uint8Array,
  message: Uint8Array,
  password: string,
  sequence: number,
): Uint8Array {
  const header = new Uint8Array(AH_LENGTH)
  header.set([VRRP_PROTOCOL, LENGTH_FIELD])
  header.set(sourceOf(ip), SPI_OFFSET)
  new DataView(header.buffer).setUint32(SEQUENCE_OFFSET, sequence)
  header.set(icvOf(ip, header, message, password), ICV_OFFSET)
  return header
}

/** Reads the header, and the advert behind it, of the packet behind an IPv4 header: the sequence number, or why it does not count. */
export function verifyAuthenticationHeader(ip: Uint8Array, payload: Uint8Array, password: string): number | DropReason {
  if (payload.length < AH_LENGTH) return 'truncated'
  const header = payload.subarray(0, AH_LENGTH)
  const spi = header.subarray(SPI_OFFSET, SEQUENCE_OFFSET)
  const isOurs = header[0] === VRRP_PROTOCOL && header[1] === LENGTH_FIELD && Buffer.from(spi).equals(sourceOf(ip))
  if (!isOurs) return 'signature-form'
  const icv = icvOf(ip, header, payload.subarray(AH_LENGTH), password)
  if (!timingSafeEqual(icv, header.subarray(ICV_OFFSET))) return 'signature'
  return new DataView(header.buffer, header.byteOffset).getUint32(SEQUENCE_OFFSET)
}

function icvOf(ip: Uint8Array, header: Uint8Array, message: Uint8Array, password: string): Uint8Array {
  const unchanging = Uint8Array.from(ip)
  for (const [from, to] of CHANGING) unchanging.fill(0, from, to)
  if (!isMulticast(ip)) unchanging[TTL_OFFSET] = 0
  const hmac = createHmac('md5', passwordBytes(password))
  hmac.update(unchanging).update(header.subarray(0, ICV_OFFSET)).update(new Uint8Array(ICV_LENGTH)).update(message)
  return hmac.digest().subarray(0, ICV_LENGTH)
}
