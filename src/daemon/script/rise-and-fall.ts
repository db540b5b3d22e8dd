import type { ScriptTracker } from '../../model/tracking.ts'

/**
 * What the runs of a tracking script come to. As in keepalived the first run decides at once, also behind `init_fail`; later ones need
 * `fall` failures or `rise` successes in a row to change it.
 */
export interface RiseAndFall {
  /** Undefined: not known yet. */
  readonly good: boolean | undefined
  /** Runs in a row that say the opposite of `good`. BOUNDED by `rise` and `fall`. */
  readonly against: number
  readonly hasRun: boolean
}

export const untried = ({ initFail }: Pick<ScriptTracker, 'initFail'>): RiseAndFall => ({
  good: initFail ? false : undefined,
  against: 0,
  hasRun: false,
})

/** Takes the outcome of one run. */
export function afterRun(
  { rise, fall }: Pick<ScriptTracker, 'rise' | 'fall'>,
  state: RiseAndFall,
  success: boolean,
): RiseAndFall {
  const decided: RiseAndFall = { good: success, against: 0, hasRun: true }
  if (!state.hasRun || state.good === success) return decided
  const against = state.against + 1
  return against >= (success ? rise : fall) ? decided : { ...state, against }
}
