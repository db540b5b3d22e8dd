import type { Seen } from '../model/availability.ts'
import { type Millis, millis } from '../time.ts'

/** `unknown`: nobody has looked, or what was found is not believed. */
export type SeenState = 'up' | 'down' | 'unknown'

/** A stretch of observed time in which it was not up throughout. One that was made of several holds their sums. */
export interface Period {
  readonly from: Millis
  readonly to: Millis
  readonly down: Millis
  readonly unknown: Millis
  /** That began in it. */
  readonly failures: number
  /** What is down first in it was down already when it was last known. */
  readonly goesOn: boolean
}

/** What was seen of one server or service, in observed time (observed-time.ts). */
export interface History {
  /** Nothing is known of before. */
  readonly since: Millis
  readonly state: SeenState
  readonly stateSince: Millis
  /** Before `state`. */
  readonly lastKnown: 'up' | 'down' | undefined
  /** Oldest first. BOUNDED by the limit that `note` is given. */
  readonly periods: readonly Period[]
}

/** It is in `state` from `at` on. `keep`: what has ended longer ago is forgotten; `limit`: no more periods than that. */
export function note(
  before: History | undefined,
  state: SeenState,
  at: Millis,
  { keep, limit }: { readonly keep: Millis; readonly limit: number },
): History {
  if (before === undefined) return { since: at, state, stateSince: at, lastKnown: undefined, periods: [] }
  if (before.state === state) return before
  const fresh = [...before.periods, ...current(before, at)].filter(({ to }) => to > at - keep)
  while (fresh.length > limit) joinTwo(fresh, at)
  const lastKnown = before.state === 'unknown' ? before.lastKnown : before.state
  return { since: before.since, state, stateSince: at, lastKnown, periods: fresh }
}

/** From `from`, which may be before its time, until `now`, which is not before anything that was noted. */
export function seenIn(history: History, from: Millis, now: Millis): Seen {
  const start = Math.max(from, history.since)
  let down = 0
  let unknown = 0
  let failures = 0
  for (const period of [...history.periods, ...current(history, now)]) {
    if (period.to <= start) continue
    // Of several in one the part that is in time is taken to be like the whole.
    const share = (period.to - Math.max(start, period.from)) / (period.to - period.from)
    down += period.down * share
    unknown += period.unknown * share
    if (period.down === 0) continue
    const began = Math.ceil(period.failures * share)
    // What is down first in this stretch is a failure of it, wherever it began.
    if (failures === 0) failures = Math.max(1, share === 1 && period.goesOn ? began + 1 : began)
    else failures += began
  }
  const up = Math.max(0, now - start - down - unknown)
  return { up: millis(up), down: millis(down), failures }
}

/** The period that lasts, as if it ended at `at`; none when it is up. */
function current({ state, stateSince, lastKnown }: History, at: Millis): readonly Period[] {
  const length = millis(at - stateSince)
  if (state === 'up' || length <= 0) return []
  const goesOn = state === 'down' && lastKnown === 'down'
  return [
    {
      from: stateSince,
      to: at,
      down: state === 'down' ? length : millis(0),
      unknown: state === 'unknown' ? length : millis(0),
      failures: state === 'down' && !goesOn ? 1 : 0,
      goesOn,
    },
  ]
}

/** Makes one of the two neighbours that together are the smallest part of their age: the longer ago, the coarser it may be. */
function joinTwo(periods: Period[], now: Millis): void {
  let best = 0
  let least = Infinity
  for (const [i, first] of periods.entries()) {
    const second = periods[i + 1]
    if (second === undefined) break
    const part = (second.to - first.from) / (now - first.from)
    if (part < least) [best, least] = [i, part]
  }
  const [first, second] = periods.slice(best, best + 2)
  if (first === undefined || second === undefined) return
  periods.splice(best, 2, {
    from: first.from,
    to: second.to,
    down: millis(first.down + second.down),
    unknown: millis(first.unknown + second.unknown),
    failures: first.failures + second.failures,
    goesOn: first.down > 0 ? first.goesOn : second.goesOn,
  })
}
