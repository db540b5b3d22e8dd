import { dice } from './dice.ts'

/** What chance decides: the same for a seed in each run. */
export class Chance {
  readonly #roll: (limit: number) => number

  constructor(seed: number) {
    this.#roll = dice(seed)
  }

  /** A whole number from 0 below a limit. */
  below(limit: number): number {
    return this.#roll(limit)
  }

  /** From `low` up to `high`, with a fraction. */
  between(low: number, high: number): number {
    return low + ((high - low) * this.#roll(1 << 30)) / (1 << 30)
  }

  /** True so many times of a hundred. */
  percent(share: number): boolean {
    return share > 0 && this.#roll(100_000) < share * 1000
  }

  /** One of these, of which there is at least one. */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.#roll(choices.length)]
    if (chosen === undefined) throw new Error('there is nothing to choose from')
    return chosen
  }

  /** A wait whose end is as likely at any moment (exponential). */
  wait(mean: number): number {
    return -Math.log(1 - this.between(0, 1)) * mean
  }
}
