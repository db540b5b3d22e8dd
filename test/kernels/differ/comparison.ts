import type { Step } from './cases.ts'
import type { Seen } from './wired-twin.ts'
import type { Service } from './world.ts'

/** What both have made of a step, in terms that can be compared. */
export interface Comparison {
  readonly service: Service
  readonly step: Step
  /** The steps before it. */
  readonly before: readonly Step[]
  readonly ipvs: Seen
  readonly tanist: Seen
  /** Packets that left in fragments and will never be whole. */
  readonly incomplete: { readonly ipvs: number; readonly tanist: number }
}
