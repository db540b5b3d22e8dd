import pRetry from 'p-retry'
import type { CheckTiming } from '../model/check.ts'
import { type Millis, millis } from '../time.ts'
import type { Answer } from './health.ts'
import { begin, count, type Counting, type Outcome } from './schedule.ts'

/** Of a pause, to make up for what came late. */
const MADE_UP_AT_MOST = 1 / 4
/** From one good answer to the next. */
const FORGOTTEN = 1.1

/** Tells p-retry that there is another question in this round. */
class AnotherQuestion extends Error {}

/**
 * Runs one checker for as long as it is configured: a round, then `delay_loop`, then the next. It has the clock; what counts as what, and
 * what comes next, is decided by `count`. Between two questions there is a timer and nothing else: there may be tens of thousands of these.
 */
export class CheckRunner {
  readonly #timing: CheckTiming
  readonly #ask: () => Promise<Answer>
  readonly #onOutcome: (outcome: Outcome) => void
  readonly #onAnswer: (answer: Answer) => void
  #counting: Counting
  #timer: NodeJS.Timeout | undefined
  /** When this round was due, and by how much it is behind: it began late, and its answer took longer than answers do. In ms. */
  #dueAt = 0
  #behind = 0
  /** What a good answer takes, in ms: the quickest one, which is forgotten by and by. */
  #usual = Infinity
  /** Of a round that asks again. */
  #retrying: AbortController | undefined
  #isStopped = false

  /**
   * `ask` asks the server once. `was`: what a process before this one has found the server to be. `onAnswer`: for whoever wants to see more
   * than outcomes.
   */
  constructor(
    timing: CheckTiming,
    ask: () => Promise<Answer>,
    onOutcome: (outcome: Outcome) => void,
    was?: 'up' | 'down',
    onAnswer: (answer: Answer) => void = () => {},
  ) {
    this.#timing = timing
    this.#ask = ask
    this.#onOutcome = onOutcome
    this.#onAnswer = onAnswer
    this.#counting = begin(timing, was)
    this.#askAfter(millis(Math.random() * timing.warmup))
  }

  /** No outcome is reported after this. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#retrying?.abort()
  }

  /**
   * A round that is late since this process is busy does not move those behind it: else checkers that meet once would wait for each other, and go
   * together from then on.
   */
  #askAfter(pause: Millis): void {
    if (this.#isStopped) return
    const wait = pause - Math.min(this.#behind, pause * MADE_UP_AT_MOST)
    this.#dueAt = performance.now() + wait
    this.#timer = setTimeout(() => {
      this.#behind = performance.now() - this.#dueAt
      void this.#round()
    }, wait)
  }

  /** A server that is down takes what time it likes. */
  #noteDuration(isGood: boolean): void {
    if (!isGood) return
    const took = performance.now() - this.#dueAt - this.#behind
    this.#usual = Math.min(took, this.#usual * FORGOTTEN)
    this.#behind += took - this.#usual
  }

  /** Most rounds are one question. In others p-retry waits between them. BOUNDED: `retry` more; whether there is one more is not its decision. */
  async #round(): Promise<void> {
    if (!(await this.#goesOn())) return
    const { retry, delayBeforeRetry } = this.#timing
    const pauses = { retries: retry, factor: 1, minTimeout: delayBeforeRetry, maxTimeout: delayBeforeRetry }
    this.#retrying = new AbortController()
    const { signal } = this.#retrying
    try {
      await pRetry(
        async (attempt) => {
          if (attempt === 1 || (await this.#goesOn())) throw new AnotherQuestion()
        },
        { ...pauses, signal },
      )
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#retrying = undefined
    }
  }

  /** Asks. Whether this round has another question. */
  async #goesOn(): Promise<boolean> {
    const answer = await this.#ask()
    if (this.#isStopped) return false
    this.#onAnswer(answer)
    const { state, effects } = count(this.#timing, this.#counting, answer)
    this.#counting = state
    for (const effect of effects) {
      switch (effect.type) {
        case 'report':
          this.#onOutcome(effect.outcome)
          break
        case 'retry':
          return true
        case 'rest':
          this.#noteDuration(answer.up === true)
          this.#askAfter(effect.pause)
          return false
      }
    }
    return false
  }
}
