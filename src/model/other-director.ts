import type { Address } from '../net/address.ts'
import type { Mac } from '../net/arp.ts'

/**
 * Another director that is a real server of what this one is a real server of, too: what it sends to the virtual address has been
 * balanced. Without a virtual address that holds for all of the family.
 */
export interface OtherDirector {
  readonly family: 4 | 6
  readonly vip: Address | undefined
  readonly mac: Mac
}
