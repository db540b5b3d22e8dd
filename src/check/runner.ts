import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import type { Check } from '../model/check.ts'
import { NotAskedError } from './probes/probe-error.ts'
import { probe } from './probes/probe.ts'

/** What a round came to: up, or down after all retries. */
export interface Outcome {
  readonly up: boolean
  readonly reason: string
  /** This host could not ask, for that reason: `up` is what it was before. */
  readonly notAsked?: true
}

/** One question to a server, of which a round has several if the first ones fail. */
export interface Attempt {
  readonly up: boolean
  readonly reason: string
  readonly durationMs: number
}

/**
 * Runs one checker for as long as it is configured: a round, then `delay_loop`, then the next. As in keepalived a server
 * goes down after 1 + `retry` failures with `delay_before_retry` between them, except that the first round does not
 * retry, unless it is known that the server was up; one success brings it up.
 */
export class CheckRunner {
  readonly #check: Check
  readonly #onOutcome: (outcome: Outcome) => void
  readonly #wasUp: boolean
  readonly #onAttempt: (attempt: Attempt) => void
  readonly #stop = new AbortController()
  /** A server is up until a checker says otherwise. */
  #up = true

  /** `wasUp`: a process before this one has found the server up. `onAttempt`: for whoever wants to see more than the outcome. */
  constructor(
    check: Check,
    onOutcome: (outcome: Outcome) => void,
    wasUp = false,
    onAttempt: (attempt: Attempt) => void = () => {},
  ) {
    this.#check = check
    this.#onOutcome = onOutcome
    this.#wasUp = wasUp
    this.#onAttempt = onAttempt
    void this.#run()
  }

  /** No outcome is reported after this. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { warmup, delayLoop, retry } = this.#check
    try {
      await sleep(Math.random() * warmup, undefined, { signal })
      for (let retries = this.#wasUp ? retry : 0; ; retries = retry) {
        const outcome = await this.#round(retries)
        signal.throwIfAborted()
        this.#up = outcome.up
        this.#onOutcome(outcome)
        await sleep(delayLoop, undefined, { signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #round(retries: number): Promise<Outcome> {
    const { delayBeforeRetry } = this.#check
    try {
      const reason = await pRetry(() => this.#attempt(), {
        retries,
        factor: 1,
        minTimeout: delayBeforeRetry,
        maxTimeout: delayBeforeRetry,
        signal: this.#stop.signal,
      })
      return { up: true, reason }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (error instanceof NotAskedError) return { up: this.#up, reason, notAsked: true }
      return { up: false, reason }
    }
  }

  async #attempt(): Promise<string> {
    const begun = performance.now()
    const tell = (up: boolean, reason: string) => this.#onAttempt({ up, reason, durationMs: performance.now() - begun })
    try {
      const reason = await probe(this.#check)
      tell(true, reason)
      return reason
    } catch (error) {
      tell(false, error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}
