import type { Difference } from './difference.ts'
import { ERROR_DIFFERENCES } from './error-differences.ts'
import { FAULTS } from './faults.ts'
import { FRAGMENT_DIFFERENCES } from './fragment-differences.ts'
import { PACKET_DIFFERENCES } from './packet-differences.ts'

/** All that Tanist does otherwise than IPVS, in the order in which it is looked for. One that no packet needs any more is to be taken out. */
export const DIFFERENCES: readonly Difference[] = [
  ...ERROR_DIFFERENCES,
  ...PACKET_DIFFERENCES,
  ...FRAGMENT_DIFFERENCES,
  ...FAULTS,
]
