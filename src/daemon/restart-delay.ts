import { type Millis, millis } from '../time.ts'

/** A child that has lived this long was healthy; the next failure starts from the shortest delay again. */
const HEALTHY_AFTER = millis(10_000)
const LONGEST_DELAY = millis(30_000)

/** BOUNDED: a child that has worked is started again at once so many times within that time; after that as one that fails. */
const AT_ONCE_LIMIT = 10
const AT_ONCE_WITHIN = millis(60_000)

/**
 * How long a child that has ended is left alone before it is started again. One that worked was ended by somebody or by chance, and
 * what it did is missing: at once, unless that goes on and on. One that keeps failing: at once, then after 1, 2, 4 … 30 seconds.
 */
export class RestartDelay {
  #failures = 0
  #atOnce: readonly Millis[] = []

  /** `hasWorked`: it has spoken. */
  ended({
    now,
    lived,
    hasWorked,
  }: {
    readonly now: Millis
    readonly lived: Millis
    readonly hasWorked: boolean
  }): Millis {
    if (lived > HEALTHY_AFTER) this.#failures = 0
    this.#atOnce = this.#atOnce.filter((at) => now - at < AT_ONCE_WITHIN)
    if (hasWorked && this.#atOnce.length < AT_ONCE_LIMIT) {
      this.#atOnce = [...this.#atOnce, now]
      return millis(0)
    }
    const delay = this.#failures === 0 ? 0 : Math.min(LONGEST_DELAY, 500 * 2 ** this.#failures)
    this.#failures++
    return millis(delay)
  }
}
