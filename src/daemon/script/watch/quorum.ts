import type { ProcessTracker } from '../../../model/tracking.ts'
import { after, type Millis } from '../../../time.ts'

/** What a tracker of processes has come to. */
export interface Standing {
  readonly count: number
  readonly good: boolean
  /** When `good` becomes what the count says by then; undefined while the two agree. */
  readonly due: Millis | undefined
}

export type QuorumEvent =
  /** A process more or less. Of itself it becomes certain at once; the children of forks and the ends of processes may wait. */
  | { readonly type: 'count'; readonly count: number; readonly cause: 'fork' | 'exit' | 'itself' }
  | { readonly type: 'time' }

type Quorum = Pick<ProcessTracker, 'quorum' | 'quorumMax' | 'terminateDelay' | 'forkDelay'>

export const isEnough = ({ quorum, quorumMax = Infinity }: Quorum, count: number) =>
  count >= quorum && count <= quorumMax

/** Nothing is waited for at the beginning. */
export function firstStanding(tracker: Quorum, count: number): Standing {
  return { count, good: isEnough(tracker, count), due: undefined }
}

/** What lasts shorter than its delay has not been. */
export function stepQuorum(tracker: Quorum, state: Standing, event: QuorumEvent, now: Millis): Standing {
  switch (event.type) {
    case 'count': {
      const { count, cause } = event
      if (isEnough(tracker, count) === state.good) return { count, good: state.good, due: undefined }
      if (state.due !== undefined) return { ...state, count }
      const delay = { fork: tracker.forkDelay, exit: tracker.terminateDelay, itself: 0 }[cause]
      if (delay === 0) return firstStanding(tracker, count)
      return { count, good: state.good, due: after(now, delay as Millis) }
    }
    case 'time':
      return state.due !== undefined && state.due <= now ? firstStanding(tracker, state.count) : state
  }
}
