import type { AdvertChecksum } from '../../model/vrrp.ts'
import { isIpv4 } from '../../net/address.ts'
import type { DropReason } from '../drop-reason.ts'
import { ADVERTISEMENT, type Advertisement, HEADER_LENGTH, type Path } from './advertisement.ts'
import { rightForm, setChecksum, v2Form, v3Form } from './checksum.ts'
import { AUTH_TYPE, AUTHENTICATION_LENGTH, decodeV2, encodeV2, type V2Authentication, v2Length } from './v2.ts'
import { decodeV3, encodeV3, v3Length } from './v3.ts'

const NO_AUTHENTICATION: V2Authentication = { type: AUTH_TYPE.none, data: new Uint8Array(AUTHENTICATION_LENGTH) }

/** An advertisement that was received. */
export interface Decoded {
  readonly advert: Advertisement
  /** Which of its forms the checksum has. */
  readonly checksum: AdvertChecksum
  /** Of version 2. */
  readonly authentication: V2Authentication | undefined
  /** Its bytes as the header counts them, and those behind. */
  readonly message: Uint8Array
  readonly trailer: Uint8Array
}

/** Its bytes for no destination in particular, without checksum: what a signature covers. `authentication` is of version 2. */
export function encodeMessage(
  advert: Advertisement,
  { source }: Pick<Path, 'source'>,
  authentication: V2Authentication = NO_AUTHENTICATION,
): Uint8Array {
  const length = addressLengthOf(source)
  return advert.version === 2 ? encodeV2(advert, authentication, length) : encodeV3(advert, length)
}

/** The bytes for a destination. In IPv4 the checksum covers the message only, in IPv6 the trailer, too. */
export function address(
  { version }: Pick<Advertisement, 'version'>,
  message: Uint8Array,
  trailer: Uint8Array,
  path: Path,
  wanted: AdvertChecksum,
): Uint8Array {
  const bytes = new Uint8Array(message.length + trailer.length)
  bytes.set(message)
  bytes.set(trailer, message.length)
  setChecksum(version === 2 ? v2Form(path) : v3Form(path, wanted), path, coveredBy(bytes, message.length, path))
  return bytes
}

/** Reads an advertisement: the checks of RFC 9568 §7.1 that need nothing but the packet. What is behind it, others judge. */
export function decode(bytes: Uint8Array, path: Path): Decoded | DropReason {
  if (bytes.length < HEADER_LENGTH) return 'truncated'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(0) >> 4
  if (version !== 2 && version !== 3) return 'version'
  if ((view.getUint8(0) & 0x0f) !== ADVERTISEMENT) return 'type'
  const addressLength = addressLengthOf(path.source)
  const length = version === 2 ? v2Length(view, addressLength) : v3Length(view, addressLength)
  if (bytes.length < length) return 'truncated'
  const checksum = rightForm(version, path, coveredBy(bytes, length, path))
  if (checksum === undefined) return 'checksum'
  const message = bytes.subarray(0, length)
  const { advert, authentication } =
    version === 2
      ? decodeV2(message, addressLength)
      : { advert: decodeV3(message, addressLength), authentication: undefined }
  if (advert.interval === 0) return 'interval-zero' // erratum 8301
  return { advert, checksum, authentication, message, trailer: bytes.subarray(length) }
}

const coveredBy = (bytes: Uint8Array, length: number, { source }: Path): Uint8Array =>
  isIpv4(source) ? bytes.subarray(0, length) : bytes

const addressLengthOf = (source: Path['source']): 4 | 16 => (isIpv4(source) ? 4 : 16)
