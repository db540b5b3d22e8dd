/**
 * Does a piece of work soon after it was asked for, once for all who ask meanwhile: in this turn when nothing was done lately, else
 * `gapMs` after the end of the last time, and after as long as that took. So a single request does not wait, and a thousand of
 * them take at most half of the process.
 */
export class Coalescer {
  readonly #work: () => void
  readonly #gapMs: number
  #notBefore = Number.NEGATIVE_INFINITY
  #pending: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(work: () => void, gapMs: number) {
    this.#work = work
    this.#gapMs = gapMs
  }

  /** `notBefore` is on the clock of `performance.now()`: who asks has time until then. */
  request(notBefore = Number.NEGATIVE_INFINITY): void {
    const at = Math.max(notBefore, this.#notBefore)
    if (this.#pending !== undefined && this.#pending.at <= at) return
    this.#pending?.cancel()
    const run = () => {
      this.#pending = undefined
      const begun = performance.now()
      this.#work()
      const ended = performance.now()
      this.#notBefore = ended + Math.max(this.#gapMs, ended - begun)
    }
    const wait = at - performance.now()
    if (wait > 0) {
      const timer = setTimeout(run, wait)
      this.#pending = { at, cancel: () => clearTimeout(timer) }
    } else {
      const turn = setImmediate(run)
      this.#pending = { at, cancel: () => clearImmediate(turn) }
    }
  }

  /** What was asked for is not done any more. */
  cancel(): void {
    this.#pending?.cancel()
    this.#pending = undefined
  }
}
