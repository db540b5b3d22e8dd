import type { CheckTiming } from '../../../model/check.ts'
import type { Millis } from '../../../time.ts'

interface Settings {
  readonly alpha?: boolean | undefined
  readonly log_all_failures?: boolean | undefined
  readonly rise?: number | undefined
  readonly fall?: number | undefined
  readonly fast_interval?: Millis | undefined
}

/** What counts before the first answer, how many rounds turn a server and how soon they follow each other then, and what is logged. */
export const countingOf = ({
  alpha,
  log_all_failures: all,
  rise,
  fall,
  fast_interval: fastInterval,
}: Settings): Pick<CheckTiming, 'alpha' | 'logAllFailures' | 'rise' | 'fall' | 'fastInterval'> => ({
  ...(alpha === true ? { alpha } : {}),
  ...(all === true ? { logAllFailures: all } : {}),
  ...(rise === undefined ? {} : { rise }),
  ...(fall === undefined ? {} : { fall }),
  ...(fastInterval === undefined ? {} : { fastInterval }),
})
