import { type ArrayKind, type BpfMap, createArray, openInner, u32 } from '../../linux/libbpf.ts'
import { calls } from '../../linux/libc.ts'
import { CHUNK } from './layout/bounds.ts'

/**
 * What the core keeps for each service or server, by slot, in array maps of CHUNK slots each: one that is not needed takes no memory. The
 * first one is always there, and none ever goes away while the core is there. See `IN_CHUNKS` in `bpf/maps.h`.
 */
export class ChunkedMap {
  readonly #outer: BpfMap
  readonly #chunks: BpfMap[]
  readonly #kind: ArrayKind
  readonly #valueBytes: number

  /** `first` is the first chunk in `outer`. */
  constructor(outer: BpfMap, first: BpfMap, kind: ArrayKind, valueBytes: number) {
    this.#outer = outer
    this.#chunks = [first]
    this.#kind = kind
    this.#valueBytes = valueBytes
  }

  /** Slots that there is room for. */
  get room(): number {
    return this.#chunks.length * CHUNK
  }

  /** Takes over what an earlier daemon has made. */
  recall(): void {
    const id = new Uint32Array(1)
    while (this.#outer.lookup(u32(this.#chunks.length), new Uint8Array(id.buffer))) {
      const chunk = openInner(id[0] ?? 0, this.#outer.name)
      if (chunk === undefined) return
      this.#chunks.push(chunk)
    }
  }

  /** Makes room for so many slots. Throws SystemError; then there is as much as before. */
  grow(slots: number): void {
    const made: (readonly [number, BpfMap])[] = []
    try {
      for (let chunk = this.#chunks.length; chunk * CHUNK < slots; chunk++) {
        made.push([chunk, createArray(this.#outer.name, this.#kind, this.#valueBytes, CHUNK)])
      }
      this.#outer.updateAll(made.map(([chunk, { fd }]) => [u32(chunk), u32(fd)]))
    } catch (error) {
      for (const [, { fd }] of made) calls.close(fd)
      throw error
    }
    this.#chunks.push(...made.map(([, map]) => map))
  }

  /** Fills `value`; false when there is no room for the slot. */
  lookup(slot: number, value: Uint8Array): boolean {
    return this.#chunks[Math.floor(slot / CHUNK)]?.lookup(u32(slot % CHUNK), value) ?? false
  }

  /** Throws SystemError, or an Error when there is no room for the slot. */
  update(slot: number, value: Uint8Array): void {
    const chunk = this.#chunks[Math.floor(slot / CHUNK)]
    if (chunk === undefined) throw new Error(`${this.#outer.name} has no room for slot ${slot}`)
    chunk.update(u32(slot % CHUNK), value)
  }

  /**
   * The values of these slots, each chunk read once and as far as it must be. Only one chunk is in memory at a time. Throws SystemError.
   * `valueBytes` are those of all processors.
   */
  *values(slots: Iterable<number>, valueBytes: number): Generator<readonly [slot: number, value: Uint8Array]> {
    for (const [index, wanted] of byChunk(slots)) {
      const last = wanted.reduce((most, slot) => Math.max(most, slot % CHUNK), 0)
      const values = this.#chunks[index]?.first(last + 1, valueBytes)
      if (values === undefined) continue
      for (const slot of wanted) {
        const at = (slot % CHUNK) * valueBytes
        yield [slot, values.subarray(at, at + valueBytes)]
      }
    }
  }

  /** Gives back the descriptors of what was made or found here. */
  close(): void {
    for (const { fd } of this.#chunks.splice(1)) calls.close(fd)
  }
}

function byChunk(slots: Iterable<number>): ReadonlyMap<number, readonly number[]> {
  const chunks = new Map<number, number[]>()
  for (const slot of slots) {
    const index = Math.floor(slot / CHUNK)
    const there = chunks.get(index)
    if (there === undefined) chunks.set(index, [slot])
    else there.push(slot)
  }
  return chunks
}
