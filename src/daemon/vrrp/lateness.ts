import type { LatenessSnapshot } from '../../control/snapshot.ts'
import { type Millis, millis } from '../../time.ts'

/** Upper ends of the classes that are counted, in ms. */
const CLASSES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]

/** From here on it is told: a peer with adverts every 100 ms is about to take over. */
const NOTABLE = millis(250)
/** BOUNDED: a machine that has no time is not to write a line for each timer. */
const TELL_EVERY = millis(10_000)

/** How late this process is at what it has to do in time: it was stopped, or others had the processor. */
export class Lateness {
  readonly #counts = CLASSES.map(() => 0)
  #timers = 0
  #last = millis(0)
  #max = millis(0)
  #toldAt = Number.NEGATIVE_INFINITY

  /** A timer came at `now` that was due at `due`. Returns a line for the log when that has to be told. */
  count(due: Millis, now: Millis): string | undefined {
    const late = millis(Math.max(0, now - due))
    this.#timers++
    this.#last = late
    this.#max = millis(Math.max(this.#max, late))
    const index = CLASSES.findIndex((end) => late <= end)
    if (index >= 0) this.#counts[index] = (this.#counts[index] ?? 0) + 1
    if (late < NOTABLE || now - this.#toldAt < TELL_EVERY) return undefined
    this.#toldAt = now
    return `a timer came ${(late / 1000).toFixed(2)} s late: this process was stopped, or had no processor`
  }

  get snapshot(): LatenessSnapshot {
    return { timers: this.#timers, lastMs: this.#last, maxMs: this.#max, p99Ms: this.#share(0.99) }
  }

  /** The end of the class that this share of all timers is within. */
  #share(part: number): number {
    let seen = 0
    for (const [i, count] of this.#counts.entries()) {
      seen += count
      if (seen >= part * this.#timers) return CLASSES[i] ?? this.#max
    }
    return this.#max
  }
}
