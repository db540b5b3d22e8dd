import { type AccessHits, type AccessReading, accessVerdict } from '../../model/access-hits.ts'
import { type AccessEntry, accessName, othersVerdict, sortedAccess } from '../../model/service.ts'
import { type BpfMap, createInnerTrie, openInner, u32 } from '../../linux/libbpf.ts'
import { calls } from '../../linux/libc.ts'
import {
  ACCESS,
  ACCESS_KEY,
  decodeAccess,
  decodeAccessKey,
  encodeAccess,
  encodeAccessKey,
  MAX_ACCESS_HITS,
} from './layout/access-layout.ts'
import type { Write } from './write.ts'

interface List {
  readonly entries: readonly AccessEntry[]
  /** The places of the entries' counts, and behind them that of the one for everybody else. */
  readonly places: readonly number[]
}

/**
 * The access lists in the core, by the service's slot. A list is a trie that is made whole and then takes the place of the one
 * before, so that every packet is judged by one or the other. Counts stand beside the tries: an entry that stays keeps its place.
 */
export class AccessLists {
  readonly #outer: BpfMap
  readonly #counts: BpfMap
  readonly #lists = new Map<number, List>()
  readonly #taken = new Uint8Array(MAX_ACCESS_HITS)
  /** Places below it are known to be taken. */
  #free = 0

  constructor(outer: BpfMap, counts: BpfMap) {
    this.#outer = outer
    this.#counts = counts
  }

  /**
   * Takes over what an earlier daemon has left at these slots. Only where there is a list: kernels before 6.8 wait for all processors, about
   * 10 ms, with every look into a map of maps.
   */
  read(slots: Iterable<number>): void {
    for (const slot of slots) {
      const id = new Uint32Array(1)
      if (!this.#outer.lookup(u32(slot), new Uint8Array(id.buffer))) continue
      const trie = openInner(id[0] ?? 0, 'trie')
      if (trie === undefined) continue
      this.#lists.set(slot, listOf(trie))
      calls.close(trie.fd)
    }
    for (const { places } of this.#lists.values()) for (const place of places) this.#taken[place] = 1
  }

  entries(slot: number): readonly AccessEntry[] {
    return this.#lists.get(slot)?.entries ?? []
  }

  /** Puts lists into force, each in one step. Throws SystemError; then those that were to be replaced are in force. */
  write(writes: readonly Extract<Write, { type: 'access' }>[]): void {
    const laid = writes.map(({ slot, entries }) => ({ slot, ...this.#lay(slot, entries) }))
    this.#outer.updateAll(laid.map(({ slot, trie }) => [u32(slot), u32(trie.fd)]))
    // The kernel has waited for the packets that still saw the old ones.
    for (const { slot, trie, list } of laid) {
      calls.close(trie.fd)
      this.#forget(slot, new Set(list.places))
      this.#lists.set(slot, list)
    }
  }

  delete(slot: number): void {
    if (!this.#lists.has(slot)) return
    this.#outer.delete(u32(slot))
    this.#forget(slot, new Set())
    this.#lists.delete(slot)
  }

  /** The lists of these slots, those that have one, and what they have decided. Throws SystemError. */
  readings(slots: Iterable<number>): ReadonlyMap<number, AccessReading> {
    const wanted = [...slots].flatMap((slot) => {
      const list = this.#lists.get(slot)
      return list === undefined ? [] : [{ slot, list }]
    })
    const highest = wanted.reduce((most, { list }) => list.places.reduce((a, b) => Math.max(a, b), most), -1)
    const counts = new DataView(this.#counts.first(highest + 1, 8).buffer)
    return new Map(
      wanted.map(({ slot, list: { entries, places } }) => [
        slot,
        { entries, hits: places.map((place) => counts.getBigUint64(place * 8, true)) },
      ]),
    )
  }

  /** The entry whose count has this place. */
  at(place: number): Pick<AccessHits, 'verdict' | 'prefix'> | undefined {
    for (const { entries, places } of this.#lists.values()) {
      const index = places.indexOf(place)
      if (index !== -1) return accessVerdict(entries, index)
    }
    return undefined
  }

  #lay(slot: number, entries: readonly AccessEntry[]): { trie: BpfMap; list: List } {
    const before = this.#lists.get(slot)
    // A count goes on as long as its entry says the same.
    const known = new Map(before?.entries.map((entry, i) => [nameOf(entry), before.places[i]]))
    const others = before !== undefined && othersVerdict(before.entries) === othersVerdict(entries)
    const fresh: number[] = []
    const place = (old: number | undefined) => {
      if (old !== undefined) return old
      const taken = this.#take()
      fresh.push(taken)
      return taken
    }
    const places = [
      ...entries.map((entry) => place(known.get(nameOf(entry)))),
      place(others ? before.places.at(-1) : undefined),
    ]
    this.#counts.updateAll(fresh.map((index) => [u32(index), new Uint8Array(8)]))
    const trie = createInnerTrie(
      ACCESS_KEY.bytes,
      ACCESS.bytes,
      places.map((index, i) => {
        const entry = entries[i]
        return [encodeAccessKey(entry), encodeAccess(entry?.verdict ?? othersVerdict(entries), index)]
      }),
    )
    return { trie, list: { entries, places } }
  }

  /** There is one: `difference` has seen to it that all lists fit twice. */
  #take(): number {
    while (this.#taken[this.#free] === 1) this.#free++
    this.#taken[this.#free] = 1
    return this.#free++
  }

  #forget(slot: number, kept: ReadonlySet<number>): void {
    for (const place of this.#lists.get(slot)?.places ?? []) {
      if (kept.has(place)) continue
      this.#taken[place] = 0
      this.#free = Math.min(this.#free, place)
    }
  }
}

const nameOf = (entry: AccessEntry): string => `${entry.verdict} ${accessName(entry)}`

function listOf(trie: BpfMap): List {
  let others = 0
  const places = new Map<string, number>()
  const found: AccessEntry[] = []
  for (const [key, value] of trie.entries(ACCESS_KEY.bytes, ACCESS.bytes)) {
    const prefix = decodeAccessKey(key)
    const { verdict, hits } = decodeAccess(value)
    if (prefix === undefined) {
      others = hits
      continue
    }
    found.push({ verdict, ...prefix })
    places.set(accessName(prefix), hits)
  }
  const entries = sortedAccess(found)
  return { entries, places: [...entries.map((entry) => places.get(accessName(entry)) ?? 0), others] }
}
