import { changedLevel } from '../../balance/wrr.ts'
import type { Scheduler, SchedulerFlags } from '../../model/service.ts'

/** A table of slots, as the core holds it, with all that picks from it go by. */
export interface LaidTable {
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly slots: readonly number[]
  readonly levels: readonly number[]
  /** The weight of each slot when the table was made. */
  readonly weights: ReadonlyMap<number, number>
  readonly start: number
}

/**
 * Where a round robin goes on when its table is replaced, as in IPVS: rr after the server that was last picked, or the one
 * before it when that is gone; wrr at its current weight, from the head of the list; and a service that gets another scheduler
 * begins anew with all its servers there. `next` is the entry of the old table that would have come next, and `picked` says
 * whether anything was picked from it.
 */
export function resume(before: LaidTable, next: number, picked: boolean, now: LaidTable): number {
  if (before.weights.size === 0) return now.start
  if (before.scheduler !== now.scheduler) return 0
  if (now.scheduler === 'wrr') {
    const { length } = before.levels
    const last = before.levels[picked ? (next - 1 + length) % length : next] ?? 0
    return Math.max(0, now.levels.indexOf(changedLevel(last, [...now.weights.values()])))
  }
  for (let index = next - 1; index >= 0; index--) {
    const place = now.slots.indexOf(before.slots[index] ?? -1)
    if (place !== -1) return place + 1
  }
  return 0
}
