/** Something that is to happen. */
interface Entry {
  readonly at: number
  /** Of two at one time the one that was entered first. */
  readonly order: number
  readonly what: () => void
}

const isSooner = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order)

/** What is to happen and when, soonest first: a binary heap. BOUNDED by what the world enters: see there. */
export class Agenda {
  readonly #heap: Entry[] = []
  #order = 0

  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  enter(at: number, what: () => void): void {
    const entry = { at, order: this.#order++, what }
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isSooner(entry, above)) break
      heap[place] = above
      place = parent
    }
    heap[place] = entry
  }

  /** Takes the soonest out. */
  take(): (() => void) | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (heap.length > 0) this.#sink(last)
    return first.what
  }

  #sink(entry: Entry): void {
    const heap = this.#heap
    let place = 0
    for (;;) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]]
      if (left === undefined) break
      const isRight = right !== undefined && isSooner(right, left)
      const sooner = isRight ? right : left
      if (!isSooner(sooner, entry)) break
      heap[place] = sooner
      place = 2 * place + (isRight ? 2 : 1)
    }
    heap[place] = entry
  }
}
