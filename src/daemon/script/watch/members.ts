/** Which processes count for which trackers. */
export class Members {
  readonly #trackersOf = new Map<number, ReadonlySet<string>>()
  readonly #counts = new Map<string, number>()

  /** Processes that count for any. */
  get pids(): readonly number[] {
    return [...this.#trackersOf.keys()]
  }

  count(tracker: string): number {
    return this.#counts.get(tracker) ?? 0
  }

  trackersOf(pid: number): ReadonlySet<string> {
    return this.#trackersOf.get(pid) ?? NONE
  }

  /** A process counts for these, and for no others. Returns those of which the count has changed. */
  set(pid: number, trackers: ReadonlySet<string>): readonly string[] {
    const before = this.trackersOf(pid)
    const gone = [...before].filter((name) => !trackers.has(name))
    const come = [...trackers].filter((name) => !before.has(name))
    for (const name of gone) this.#counts.set(name, this.count(name) - 1)
    for (const name of come) this.#counts.set(name, this.count(name) + 1)
    if (trackers.size > 0) this.#trackersOf.set(pid, trackers)
    else this.#trackersOf.delete(pid)
    return [...gone, ...come]
  }

  /** Forgets a tracker. */
  drop(tracker: string): void {
    for (const [pid, trackers] of this.#trackersOf) {
      if (trackers.has(tracker)) this.set(pid, new Set([...trackers].filter((name) => name !== tracker)))
    }
    this.#counts.delete(tracker)
  }
}

const NONE: ReadonlySet<string> = new Set()
