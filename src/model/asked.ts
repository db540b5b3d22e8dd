import type { Millis } from '../time.ts'
import type { WeightAsked } from './check.ts'

/** What a probe has done or seen, in a few words for people, and when, since it began. */
export interface Step {
  readonly what: string
  readonly after: Millis
}

/** What came of one question that was watched. Nobody draws conclusions from it. */
export interface Asked {
  /** Undefined: this host could not ask. */
  readonly up: boolean | undefined
  readonly reason: string
  /** Undefined: the weight of the configuration. */
  readonly weight?: WeightAsked
  /** What people should see to although it is good. */
  readonly warning?: string
  readonly duration: Millis
  readonly steps: readonly Step[]
}
