import { isSameWeight } from '../model/check.ts'
import type { Outcome } from './schedule.ts'

/**
 * Whether an outcome says something else than the one before it. What a good answer says in detail may be another thing every time, and
 * would be news that nobody waits for.
 */
export function isNews(before: Outcome | undefined, outcome: Outcome): boolean {
  const isTold = !outcome.up || outcome.notAsked === true || outcome.unheard === true
  return (
    before?.up !== outcome.up ||
    (before.warning === undefined) !== (outcome.warning === undefined) ||
    !isSameWeight(before.weight, outcome.weight) ||
    before.notAsked !== outcome.notAsked ||
    before.unheard !== outcome.unheard ||
    (isTold && before.reason !== outcome.reason)
  )
}
