import { type AccessEntry, accessName, othersVerdict } from './service.ts'

/** An access list, and what it has decided so far. */
export interface AccessReading {
  readonly entries: readonly AccessEntry[]
  /** Packets that each entry has decided about; behind them those that no entry is about. */
  readonly hits: readonly bigint[]
}

/** What an entry has decided so far. `prefix` is undefined for those that no other entry is about. */
export interface AccessHits {
  readonly verdict: AccessEntry['verdict']
  readonly prefix: string | undefined
  readonly hits: bigint
}

/** Of each entry, the one for everybody else last. */
export function accessHits({ entries, hits }: AccessReading): readonly AccessHits[] {
  return hits.map((count, index) => ({ ...accessVerdict(entries, index), hits: count }))
}

/** What the entry of this index says; behind the last one: what is said of everybody else. */
export function accessVerdict(entries: readonly AccessEntry[], index: number): Pick<AccessHits, 'verdict' | 'prefix'> {
  const entry = entries[index]
  if (entry === undefined) return { verdict: othersVerdict(entries), prefix: undefined }
  return { verdict: entry.verdict, prefix: accessName(entry) }
}
