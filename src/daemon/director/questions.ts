import type { Asked } from '../../model/asked.ts'
import { type Millis, millis } from '../../time.ts'

/** BOUNDED: no caller waits for longer. */
const LONGEST_MS = 600_000

/** Questions to another process that wait for their answers. BOUNDED by who asks. */
export class Questions {
  readonly #waiting = new Map<number, (asked: Asked) => void>()
  #last = 0

  /** `send` asks by this number. Answers in any case, after `patience` that there was no answer. */
  async ask(send: (number: number) => void, patience: Millis): Promise<Asked> {
    const number = ++this.#last
    return await new Promise<Asked>((resolve) => {
      const timer = setTimeout(
        () => this.answered(number, noAnswer('no answer of the process that asks')),
        Math.min(patience, LONGEST_MS),
      )
      this.#waiting.set(number, (asked) => {
        clearTimeout(timer)
        this.#waiting.delete(number)
        resolve(asked)
      })
      send(number)
    })
  }

  /** What nobody waits for any more is for nobody. */
  answered(number: number, asked: Asked): void {
    this.#waiting.get(number)?.(asked)
  }

  /** The process that was asked has ended. */
  lost(): void {
    for (const answer of this.#waiting.values()) answer(noAnswer('the process that asks has ended'))
  }
}

export const noAnswer = (reason: string): Asked => ({ up: undefined, reason, duration: millis(0), steps: [] })
