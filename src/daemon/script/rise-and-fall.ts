import type { ScriptTracker } from '../../model/tracking.ts'

/**
 * What the runs of a tracking script come to. As in keepalived the first run decides at once; later ones need `fall` failures or `rise`
 * successes in a row to change it.
 */
export interface RiseAndFall {
  /** Undefined: not known yet. */
  readonly good: boolean | undefined
  /** Runs in a row that say the opposite of `good`. BOUNDED by `rise` and `fall`. */
  readonly against: number
}

export const untried = ({ initFail }: Pick<ScriptTracker, 'initFail'>): RiseAndFall => ({
  good: initFail ? false : undefined,
  against: 0,
})

/** Takes the outcome of one run. */
export function afterRun(
  { rise, fall }: Pick<ScriptTracker, 'rise' | 'fall'>,
  state: RiseAndFall,
  success: boolean,
): RiseAndFall {
  if (state.good === undefined || state.good === success) return { good: success, against: 0 }
  const against = state.against + 1
  return against >= (success ? rise : fall) ? { good: success, against: 0 } : { ...state, against }
}
