import type { Path } from './packet/advertisement.ts'

/** A packet as it came in. */
export interface Arrival extends Path {
  readonly interface: string
  /** In IPv6 the hop limit. */
  readonly ttl: number
  /** That of VRRP, or of AH. */
  readonly protocol: number
  /** The IPv4 header, which AH covers; undefined in IPv6, where there is no AH. */
  readonly ipHeader: Uint8Array | undefined
  /** What is behind it, without Ethernet padding. */
  readonly payload: Uint8Array
}
