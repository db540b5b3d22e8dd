import { type Millis, millis } from '../../time.ts'

/** The sweep of a big table takes long, so it comes less often: it may use this share of a core. */
const SWEEP_SHARE = 0.02
const SWEEP_EVERY = millis(1000)

/**
 * After how long the next sweep is due. A table that is being defended is swept once a second, whatever it costs.
 * `took` is how long the last sweep was at it, `visited` how many connections it saw.
 */
export function nextSweep(took: Millis, visited: number, defendFrom: number): Millis {
  return visited >= defendFrom ? SWEEP_EVERY : millis(Math.max(SWEEP_EVERY, took / SWEEP_SHARE))
}
