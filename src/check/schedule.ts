import type { CheckSchedule } from '../model/check.ts'
import type { Answer, Health } from './health.ts'

/**
 * Counts what a checker has heard. As in keepalived a server goes down after 1 + `retry` failures in a row with
 * `delay_before_retry` between them, except that the first round does not retry, unless it is known that the server was
 * up; one success brings it up.
 */
export interface Counting {
  /** What the server is taken for: up until a round says otherwise. */
  readonly up: boolean
  /** Failures in a row of the round that is under way. BOUNDED by `retries`. */
  readonly failures: number
  /** How many of them this round forgives. */
  readonly retries: number
}

/** What a round came to. */
export interface Outcome extends Health {
  /** This host could not ask, for that reason: `up` is what it was before. */
  readonly notAsked?: true
}

export type CountingEffect =
  | { readonly type: 'report'; readonly outcome: Outcome }
  /** Ask again in this round, after `delay_before_retry`. */
  | { readonly type: 'retry' }
  /** The round is over; the next one begins after `delay_loop`. */
  | { readonly type: 'rest' }

/** `wasUp`: somebody before this has found the server up. */
export const begin = ({ retry }: CheckSchedule, wasUp: boolean): Counting => ({
  up: true,
  failures: 0,
  retries: wasUp ? retry : 0,
})

/** Takes the answer to one question. Of a round that ends with failures the last one is its reason. */
export function count(
  { retry }: CheckSchedule,
  counting: Counting,
  answer: Answer,
): { readonly state: Counting; readonly effects: readonly CountingEffect[] } {
  const failures = answer.up === true ? 0 : counting.failures + 1
  if (failures > 0 && failures <= counting.retries) {
    return { state: { ...counting, failures }, effects: [{ type: 'retry' }] }
  }
  const outcome: Outcome = answer.up === undefined ? { ...answer, up: counting.up, notAsked: true } : answer
  return {
    state: { up: outcome.up, failures: 0, retries: retry },
    effects: [{ type: 'report', outcome }, { type: 'rest' }],
  }
}
