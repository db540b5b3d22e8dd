import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import type { Check } from '../model/check.ts'
import type { Answer } from './health.ts'
import { probe } from './probes/probe.ts'
import { begin, count, type Counting, type Outcome } from './schedule.ts'

/** Tells p-retry that there is another question in this round. */
class AnotherQuestion extends Error {}

/**
 * Runs one checker for as long as it is configured: a round, then `delay_loop`, then the next. It has the clock; what
 * counts as what is decided by `count`.
 */
export class CheckRunner {
  readonly #check: Check
  readonly #onOutcome: (outcome: Outcome) => void
  readonly #onAnswer: (answer: Answer) => void
  readonly #stop = new AbortController()
  #counting: Counting

  /** `wasUp`: a process before this one has found the server up. `onAnswer`: for whoever wants to see more than outcomes. */
  constructor(
    check: Check,
    onOutcome: (outcome: Outcome) => void,
    wasUp = false,
    onAnswer: (answer: Answer) => void = () => {},
  ) {
    this.#check = check
    this.#onOutcome = onOutcome
    this.#onAnswer = onAnswer
    this.#counting = begin(check, wasUp)
    void this.#run()
  }

  /** No outcome is reported after this. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { warmup, delayLoop } = this.#check
    try {
      await sleep(Math.random() * warmup, undefined, { signal })
      for (;;) {
        await this.#round()
        await sleep(delayLoop, undefined, { signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** BOUNDED: `retry` more questions than one; whether there is one more is not p-retry's decision. */
  async #round(): Promise<void> {
    const { retry, delayBeforeRetry } = this.#check
    await pRetry(() => this.#ask(), {
      retries: retry,
      factor: 1,
      minTimeout: delayBeforeRetry,
      maxTimeout: delayBeforeRetry,
      signal: this.#stop.signal,
    })
  }

  async #ask(): Promise<void> {
    const answer = await probe(this.#check)
    this.#stop.signal.throwIfAborted()
    this.#onAnswer(answer)
    const { state, effects } = count(this.#check, this.#counting, answer)
    this.#counting = state
    for (const effect of effects) {
      switch (effect.type) {
        case 'report':
          this.#onOutcome(effect.outcome)
          break
        case 'retry':
          throw new AnotherQuestion()
        case 'rest':
          return
      }
    }
  }
}
