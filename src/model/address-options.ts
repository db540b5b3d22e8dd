import type { Prefix } from '../net/address-range.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'

/** What a line of a configuration says of an address besides interface and prefix length: how the kernel gets it. What is absent is as usual. */
export interface AddressOptions {
  /** As the kernel counts them: 0 global, 200 site, 253 link, 254 host, 255 nowhere. IPv4; in IPv6 the address says it. */
  readonly scope?: number
  /** IPv4. */
  readonly broadcast?: Ipv4
  /** IPv4: the name that old tools take for an interface. */
  readonly label?: string
  /** The other end of a link; the prefix length of the address is that of it. */
  readonly peer?: Prefix
  /** IPv6: a mobile node's home address. */
  readonly home?: true
  /** IPv6: whether somebody else has it is found out first. A virtual address does without, since who has it is elected. */
  readonly detectsDuplicates?: true
  /** IPv6: temporary addresses are made from it (RFC 8981). */
  readonly manageTemporary?: true
  /** No route for its prefix comes with it. */
  readonly noPrefixRoute?: true
  /** IPv6: so long it may be chosen as source; that of a single address never is unless this says so. */
  readonly preferred?: Millis | 'forever'
  /** That somebody else takes it away is no reason to give the role up; a static one is not put back. */
  readonly untracked?: true
}
