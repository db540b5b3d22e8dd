/** Who has told news by their numbers: news that all have told, or have given up, are settled. BOUNDED by what they hold. */
export class Receipts {
  readonly #open = new Map<number, number>()
  readonly #settled: (numbers: readonly number[]) => void

  constructor(settled: (numbers: readonly number[]) => void) {
    this.#settled = settled
  }

  /** `holders`: how many have taken it. */
  open(number: number, holders: number): void {
    if (holders === 0) this.#settled([number])
    else this.#open.set(number, holders)
  }

  /** One of them does not hold these any more. */
  close(numbers: readonly number[]): void {
    const settled: number[] = []
    for (const number of numbers) {
      const left = (this.#open.get(number) ?? 0) - 1
      if (left > 0) this.#open.set(number, left)
      else if (this.#open.delete(number)) settled.push(number)
    }
    if (settled.length > 0) this.#settled(settled)
  }
}
