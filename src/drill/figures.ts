import { brokenConnections, movedConnections, silentConnections, wrongAnswers } from './figures/connections.ts'
import { called, log, logLines, logNever, memory, neverCalled } from './figures/history.ts'
import { noOwner, takeOvers, twoOwners } from './figures/owners.ts'
import { lost, outage } from './figures/probes.ts'
import { answeredBy, failedRequests, notAnsweredBy, share } from './figures/requests.ts'
import type { Judge, PastClaim, Seen, Verdict } from './figures/seen.ts'
import type { Interval } from './intervals.ts'
import type { Claim } from './language/conditions.ts'
import type { Judgement } from './recording.ts'

/** How each is taken, by its name in a drill. */
const JUDGES: { readonly [N in PastClaim['type']]: Judge<N> } = {
  outage,
  lost,
  'failed requests': failedRequests,
  'broken connections': brokenConnections,
  'moved connections': movedConnections,
  'silent connections': silentConnections,
  'wrong answers': wrongAnswers,
  'answered by': answeredBy,
  'not answered by': notAnsweredBy,
  share,
  'two owners': twoOwners,
  'no owner': noOwner,
  'take-overs': takeOvers,
  'log lines': logLines,
  'log never': logNever,
  'never called': neverCalled,
  memory,
  log,
  called,
}

/** Whether a claim is judged by what was seen; the others are of a moment, and asked of the directors. */
export const isPast = (claim: Claim): claim is PastClaim => Object.hasOwn(JUDGES, claim.type)

/** What a claim of a part of a drill comes to. `text`: as it was written. */
export function judgePast(claim: PastClaim, text: string, seen: Seen, part: Interval): Judgement {
  // Each has the arguments that its own entry takes.
  const judge = JUDGES[claim.type] as (asked: PastClaim['arguments'], seen: Seen, part: Interval) => Verdict
  return { text, of: 'claim', ...judge(claim.arguments, seen, part) }
}
