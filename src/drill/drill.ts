import type { Span } from '../config/source.ts'
import type { ActionStep } from './language/actions.ts'
import type { Claim } from './language/conditions.ts'
import type { Traffic } from './language/traffic.ts'

/** What a pair must have so that a drill means anything on it. */
export const NEEDS = {
  'virtual server': 'a virtual server',
  'two servers': 'at least two real servers in its first virtual server',
  checks: 'checks of all its real servers over the network',
  'page checks': 'HTTP_GET or SSL_GET, in its first virtual server, for the servers that the drill breaks',
  preemption: 'a director that takes its role back by priority',
  script: 'a vrrp_script that an instance tracks',
  notify: 'a notify script of an instance',
  'its own': 'what this drill is about: it is for the pair that it brings along alone',
} as const
export type Need = keyof typeof NEEDS

/** The pair that a drill has without another one: files, relative to the drill's own, or one text for both. */
export interface PairSource {
  /** One for each director, or one for both; or the text itself. */
  readonly from: { readonly files: readonly string[] } | { readonly text: string }
  /** Priority of every instance of the first and the second director; as the file says when undefined. */
  readonly priorities: readonly [number, number] | undefined
  /** In every file, a regular expression by its replacement. */
  readonly changes: readonly { readonly replace: RegExp; readonly by: string }[]
}

/** A step, as it was written. */
export type Step = ActionStep & {
  readonly at: Span
  /** Its own text, in one line. */
  readonly text: string
}

export interface WrittenClaim {
  readonly claim: Claim
  readonly at: Span
  readonly text: string
}

/** A drill as its file says it. */
export interface Drill {
  readonly file: string
  /** Its number in the drill book, from the beginning of the file's name; undefined for others. */
  readonly number: number | undefined
  readonly name: string
  readonly why: string
  /** What is promised, in words; undefined: what the claims say. */
  readonly promise: string | undefined
  /** Why it cannot be run; undefined: it can. */
  readonly cannotRun: string | undefined
  /** Why not with keepalived as a director; undefined: it can. */
  readonly notKeepalived: string | undefined
  readonly pair: PairSource | undefined
  readonly needs: readonly Need[]
  readonly traffic: readonly Traffic[]
  readonly steps: readonly Step[]
  /** Of the whole drill, when the last step is done. */
  readonly claims: readonly WrittenClaim[]
}
