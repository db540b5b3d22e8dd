import { type Millis, millis } from '../time.ts'

/** One subject is written of at most so often. */
const EVERY = millis(60_000)
/** Lines within that time, whatever their subjects are. */
const LINES = 10
/** Subjects that are remembered. BOUNDED: the one that was written of longest ago gives way. */
const SUBJECTS = 64

/** Keeps what anybody on the link can bring about from filling the log: each subject once, then once a minute with how often it was. */
export class LineLimit {
  readonly #subjects = new Map<string, { at: Millis; held: number }>()
  #windowFrom: Millis | undefined
  #written = 0
  #unwritten = 0

  /** What to write behind a line about a subject, or undefined when it is not to be written. */
  allow(subject: string, now: Millis): string | undefined {
    if (this.#windowFrom === undefined || now - this.#windowFrom >= EVERY) {
      this.#windowFrom = now
      this.#written = 0
    }
    const known = this.#subjects.get(subject)
    if (known !== undefined && now - known.at < EVERY) {
      known.held++
      return undefined
    }
    if (this.#written >= LINES) {
      this.#unwritten++
      return undefined
    }
    this.#written++
    this.#subjects.delete(subject)
    this.#subjects.set(subject, { at: now, held: 0 })
    const [oldest] = this.#subjects.keys()
    if (this.#subjects.size > SUBJECTS && oldest !== undefined) this.#subjects.delete(oldest)
    const others = this.#unwritten
    this.#unwritten = 0
    return [
      ...(known === undefined || known.held === 0 ? [] : [` (${known.held} more times since it was written last)`]),
      ...(others === 0 ? [] : [` (${others} lines about others were not written)`]),
    ].join('')
  }
}
