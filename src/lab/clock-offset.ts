import { type Millis, millis } from '../time.ts'

/** BOUNDED: round trips that are remembered. Older ones say nothing of clocks that drift. */
const REMEMBERED = 32

/**
 * How far the clock of another machine is ahead of ours, by round trips: its time lies somewhere between our question and our getting the
 * answer, so the shortest one errs least, at most by half of it.
 */
export class ClockOffset {
  readonly #trips: { readonly offset: number; readonly length: number }[] = []

  add(asked: Millis, there: Millis, answered: Millis): void {
    this.#trips.push({ offset: there - (asked + answered) / 2, length: answered - asked })
    if (this.#trips.length > REMEMBERED) this.#trips.shift()
  }

  /** A time of theirs, by our clock. */
  here(there: Millis): Millis {
    const [first, ...others] = this.#trips
    if (first === undefined) return there
    return millis(there - others.reduce((best, trip) => (trip.length < best.length ? trip : best), first).offset)
  }
}
