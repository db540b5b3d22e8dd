import type { WeightAsked } from '../model/check.ts'
import type { Millis } from '../time.ts'

/** What a server's answer to one question says of it. */
export interface Health {
  readonly up: boolean
  /** There is no way to the server; whose fault that is shows in the others. */
  readonly unreachable?: true
  /** Undefined: the weight of the configuration. */
  readonly weight?: WeightAsked
  /** Nothing was heard now: it is what was said last. */
  readonly unheard?: true
  /** What is worth knowing about the answer, or what was wrong with it, in a few words for people. */
  readonly reason: string
  /** What people should see to although it is good, in a few words. */
  readonly warning?: string
  /** From the first attempt to connect to the last byte that was looked at. */
  readonly duration: Millis
}

/** The server was not asked, because this host could not do so. That says nothing of the server. */
export interface NotAsked {
  readonly up: undefined
  /** What this host lacks. */
  readonly reason: string
  readonly duration: Millis
}

/** What came of one question. */
export type Answer = Health | NotAsked

/** BOUNDED: characters of a reason or a warning. What a server says, or the file, may be longer, and the director takes no more. */
export const LONGEST_REASON = 1024
