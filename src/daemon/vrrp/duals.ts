import type { DualSnapshot } from '../../control/snapshot.ts'
import type { Address } from '../../net/address.ts'
import type { Dual, EngineState } from '../../vrrp/state.ts'

interface Record {
  /** What goes on. */
  dual: Dual | undefined
  times: number
  /** Of those that are over. */
  ms: number
  yielded: number
}

interface Line {
  readonly line: string
  readonly level: 'warn' | 'info'
}

/** Times with two masters of one router, as one of the two has seen them. */
export class Duals {
  /** By name of the instance. BOUNDED by the configuration. */
  readonly #records = new Map<string, Record>()
  readonly #going = new Set<string>()

  /** Takes how an instance is, and those that have another master beside them. Returns lines for the log. */
  follow({ members }: EngineState, touched: string | undefined): readonly Line[] {
    const names = touched === undefined || this.#going.has(touched) ? [...this.#going] : [touched, ...this.#going]
    return names.flatMap((name): Line[] => {
      const now = members.get(name)?.dual
      const before = this.#records.get(name)?.dual
      if (now === before) return []
      const record = this.#of(name)
      record.dual = now
      if (now !== undefined && before !== undefined) return []
      if (now !== undefined) {
        record.times++
        this.#going.add(name)
        const line = `(${name}) two masters: ${now.source} with priority ${now.priority} is master, too`
        return [{ line, level: 'warn' }]
      }
      if (before === undefined) return []
      this.#going.delete(name)
      const lasted = before.heardAt - before.since
      record.ms += lasted
      const line = `(${name}) no second master any more: ${before.source} was one for ${(lasted / 1000).toFixed(1)} s`
      return [{ line, level: 'info' }]
    })
  }

  /** This one was the second, and gives up. Returns a line for the log. */
  yielded(name: string, source: Address, priority: number): string {
    this.#of(name).yielded++
    return `(${name}) two masters: ${source} with priority ${priority} is master, too; this one gives up`
  }

  /** What is known of others is forgotten. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#records.keys()) if (!names.has(name)) this.#records.delete(name)
    for (const name of this.#going) if (!names.has(name)) this.#going.delete(name)
  }

  clear(): void {
    for (const record of this.#records.values()) Object.assign(record, { times: 0, ms: 0, yielded: 0 })
  }

  /** `originMs`: of the clock that the engine goes by, in ms since the epoch. */
  snapshot(name: string, originMs: number): DualSnapshot | undefined {
    const record = this.#records.get(name)
    if (record === undefined) return undefined
    const { dual, times, ms, yielded } = record
    const lasting = dual === undefined ? 0 : dual.heardAt - dual.since
    return {
      times,
      seconds: (ms + lasting) / 1000,
      yielded,
      now: dual && {
        address: dual.source,
        priority: dual.priority,
        since: new Date(originMs + dual.since).toISOString(),
      },
    }
  }

  #of(name: string): Record {
    const known = this.#records.get(name) ?? { dual: undefined, times: 0, ms: 0, yielded: 0 }
    this.#records.set(name, known)
    return known
  }
}
