import type { CheckSchedule, CheckTiming } from '../model/check.ts'
import { type Millis, millis } from '../time.ts'
import type { Answer, Health } from './health.ts'

/**
 * Counts what a checker has heard. As in keepalived a round fails after 1 + `retry` failures in a row with `delay_before_retry` between
 * them, except that the first round does not retry, unless it is known that the server was up; one success ends a round. `fall` bad
 * rounds in a row take a server down, and `rise` good ones bring it up; what the first round says counts at once, unless the
 * server is known already, or is down until it is found up (`alpha`).
 */
export interface Counting {
  /** What the server is taken for: until a round says otherwise up, with `alpha` down. */
  readonly up: boolean
  /** Somebody has found it so. */
  readonly isFound: boolean
  /** Failures in a row of the round that is under way. BOUNDED by `retries`. */
  readonly failures: number
  /** How many of them this round forgives. */
  readonly retries: number
  /** Rounds in a row that say otherwise than `up`. BOUNDED by `rise` and `fall`. */
  readonly against: number
}

/** The longest time from one answer of a checker to the end of its next round, when that fails. */
export const longestRound = ({
  delayLoop,
  retry,
  delayBeforeRetry,
  timeout,
}: Pick<CheckSchedule, 'delayLoop' | 'retry' | 'delayBeforeRetry' | 'timeout'>): Millis =>
  millis(delayLoop + retry * delayBeforeRetry + (retry + 1) * timeout)

/** What a round came to. */
export interface Outcome extends Health {
  /** This host could not ask, for that reason: `up` is what it was before. */
  readonly notAsked?: true
}

export type CountingEffect =
  | { readonly type: 'report'; readonly outcome: Outcome }
  /** Ask again in this round, after `delay_before_retry`. */
  | { readonly type: 'retry' }
  /** The round is over; the next one begins after so long. */
  | { readonly type: 'rest'; readonly pause: Millis }

/** `was`: what somebody before this has found the server to be; undefined: nothing. */
export const begin = ({ retry, alpha }: CheckTiming, was: 'up' | 'down' | undefined): Counting => ({
  up: was === undefined ? alpha !== true : was === 'up',
  isFound: was !== undefined,
  failures: 0,
  retries: was === 'up' ? retry : 0,
  against: 0,
})

/** Takes the answer to one question. Of a round that ends with failures the last one is its reason. */
export function count(
  timing: CheckTiming,
  counting: Counting,
  answer: Answer,
): { readonly state: Counting; readonly effects: readonly CountingEffect[] } {
  const { retry, delayLoop, fastInterval = delayLoop } = timing
  const failures = answer.up === true ? 0 : counting.failures + 1
  if (failures > 0 && failures <= counting.retries) {
    return { state: { ...counting, failures }, effects: [{ type: 'retry' }] }
  }
  const round = { failures: 0, retries: retry }
  if (answer.up === undefined) {
    const outcome: Outcome = { ...answer, up: counting.up, notAsked: true }
    const pause = counting.against > 0 ? fastInterval : delayLoop
    return {
      state: { ...counting, ...round },
      effects: [
        { type: 'report', outcome },
        { type: 'rest', pause },
      ],
    }
  }
  const against = answer.up === counting.up ? 0 : counting.against + 1
  const needed = neededRounds(timing, counting)
  if (against === 0 || against >= needed) {
    const state: Counting = { up: answer.up, isFound: true, ...round, against: 0 }
    return {
      state,
      effects: [
        { type: 'report', outcome: answer },
        { type: 'rest', pause: delayLoop },
      ],
    }
  }
  const { weight: _, unreachable: __, ...said } = answer
  const reason = `${answer.reason} (${against} of ${needed} ${answer.up ? 'successes' : 'failures'} in a row)`
  return {
    state: { ...counting, ...round, against },
    effects: [
      { type: 'report', outcome: { ...said, up: counting.up, reason } },
      { type: 'rest', pause: fastInterval },
    ],
  }
}

/** Rounds in a row that are needed to change what a server is taken for. */
function neededRounds({ rise = 1, fall = 1 }: CheckTiming, { up, isFound }: Counting): number {
  if (!up) return rise
  return isFound ? fall : 1
}
