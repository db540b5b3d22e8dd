import type { VrrpVersion } from '../../model/vrrp.ts'
import type { Address } from '../../net/address.ts'
import type { Millis } from '../../time.ts'

/** What an advertisement says, whatever its bytes and its authentication are. */
export interface Advertisement {
  readonly version: VrrpVersion
  readonly vrid: number
  /** Zero means that the sender gives up its role (RFC 9568 §5.2.4). */
  readonly priority: number
  readonly interval: Millis
  /** All of the family that the packet has. */
  readonly addresses: readonly Address[]
}

/** Where a packet came from and goes to; part of most checksums. Both of one family. */
export interface Path {
  readonly source: Address
  readonly destination: Address
}

/** IP protocol number, RFC 9568 §5.1.1.4. */
export const VRRP_PROTOCOL = 112
/** The only type of a packet (RFC 9568 §5.2.2). */
export const ADVERTISEMENT = 1
/** Both versions have eight bytes before the addresses, and the checksum at one place. */
export const HEADER_LENGTH = 8
export const CHECKSUM_OFFSET = 6
