import type { Millis } from '../time.ts'

/** How an instance takes part in the election, where that may be otherwise than the RFC has it. */
export interface ElectionOptions {
  /** So many adverts in a row fail to come before a backup takes over; 3 in RFC 9568 §6.1. */
  readonly downTimerAdverts: number
  /** A master answers an advert of lower priority at once (RFC 9568 §6.4.3). */
  readonly answersLower: boolean
  /** A master sends once more before it yields. */
  readonly advertBeforeYielding: boolean
  /** The owner of the addresses yields to nobody: RFC 3768 §7.1 and RFC 5798 §7.1, not RFC 9568 with erratum 8298. */
  readonly ownerIgnoresAdverts: boolean
  /** The highest priority that another router may have: it tells how soon one may have followed a master that did not run. */
  readonly highestOther: number
  /** It takes no role for so long after the start of the program. */
  readonly startDelay: Millis
  /** The same after the boot of the host. */
  readonly delayAfterBoot: Millis
}

/** As RFC 9568 has it. */
export const RFC_ELECTION: ElectionOptions = {
  downTimerAdverts: 3,
  answersLower: true,
  advertBeforeYielding: false,
  ownerIgnoresAdverts: false,
  highestOther: 254,
  startDelay: 0 as Millis,
  delayAfterBoot: 0 as Millis,
}
