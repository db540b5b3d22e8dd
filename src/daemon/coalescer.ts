/**
 * Does a piece of work soon after it was asked for, once for all who ask meanwhile: in this turn when nothing was done lately, else
 * `gapMs` after the end of the last time, and after as long as that took. So a single request does not wait, and a thousand of
 * them take at most half of the process.
 */
export class Coalescer {
  readonly #work: () => void
  readonly #gapMs: number
  #notBefore = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(work: () => void, gapMs: number) {
    this.#work = work
    this.#gapMs = gapMs
  }

  request(): void {
    if (this.#cancel !== undefined) return
    const run = () => {
      this.#cancel = undefined
      const begun = performance.now()
      this.#work()
      const ended = performance.now()
      this.#notBefore = ended + Math.max(this.#gapMs, ended - begun)
    }
    const wait = this.#notBefore - performance.now()
    if (wait > 0) {
      const timer = setTimeout(run, wait)
      this.#cancel = () => clearTimeout(timer)
    } else {
      const turn = setImmediate(run)
      this.#cancel = () => clearImmediate(turn)
    }
  }

  /** What was asked for is not done any more. */
  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
