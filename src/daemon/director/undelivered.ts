import type { Told } from '../../model/telling.ts'
import type { NumberedNews } from '../messages.ts'

/** News that the check process has not told yet are kept up to this many, in case it dies. BOUNDED: the oldest give way. */
const LIMIT = 1000

/**
 * News on their way through the check process. It is a process that may be killed; then the next one is told again what it
 * had not told, so that some may be told twice, with the same id.
 */
export class Undelivered {
  readonly #prefix: string
  #number = 0
  readonly #news = new Map<number, NumberedNews>()

  /** `prefix` tells this director's news from those of any other, and of any other start. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** As they are to be sent. */
  add(news: readonly Told[]): readonly NumberedNews[] {
    return news.map((told) => {
      const number = ++this.#number
      const numbered = { number, id: `${this.#prefix}-${number}`, told }
      this.#news.set(number, numbered)
      if (this.#news.size > LIMIT) for (const [oldest] of this.#news) if (this.#news.delete(oldest)) break
      return numbered
    })
  }

  told(numbers: readonly number[]): void {
    for (const number of numbers) this.#news.delete(number)
  }

  /** What a new check process has to tell. */
  get all(): readonly NumberedNews[] {
    return [...this.#news.values()]
  }
}
