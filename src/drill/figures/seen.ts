import type { Interval } from '../intervals.ts'
import type { Claim, Condition, Figure } from '../language/conditions.ts'
import type { Judgement, Recording } from '../recording.ts'

/** What figures are taken from: a recording as far as it goes, `afterwards` being how the directors are now. */
export interface Seen extends Pick<
  Recording,
  'active' | 'virtualAddresses' | 'promises' | 'events' | 'traffic' | 'before' | 'afterwards'
> {
  /** The real servers that the client can be answered by, in their order: `server 1`. */
  readonly servers: readonly string[]
}

/** A claim of what has been in a part of the drill; the others are of a moment, and asked of the directors. */
export type PastClaim = Figure | Extract<Condition, { readonly type: 'log' | 'called' }>

/** The arguments of one. */
export type Asked<N extends PastClaim['type']> = Extract<Claim, { readonly type: N }>['arguments']

export type Verdict = Pick<Judgement, 'holds' | 'found'>

/** What a figure is taken with. */
export type Judge<N extends PastClaim['type']> = (asked: Asked<N>, seen: Seen, part: Interval) => Verdict

export const cannotTell = (why: string): Verdict => ({ holds: undefined, found: why })

/** For people. */
export const msText = (ms: number): string => `${Math.round(ms)} ms`

/** `3 lost probes`; of many of these words there is one with an s. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count === 0 ? 'no' : count} ${count === 1 ? one : many}`

const isIn = ({ from, to }: Interval, at: number): boolean => at >= from && at < to

/** Those that happened in a part. */
export const within = <T extends { readonly at: number }>(part: Interval, events: readonly T[]): readonly T[] =>
  events.filter(({ at }) => isIn(part, at))

/** A figure that may be so much, and must be so much where that is said. */
export const isBetween = (value: number, most: number, least: number | undefined): boolean =>
  value <= most && (least === undefined || value >= least)
