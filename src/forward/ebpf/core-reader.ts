import type { Connection } from '../../model/connection.ts'
import type { Counters } from '../../model/counters.ts'
import type { Load } from '../../model/core-reading.ts'
import { type BpfMap, possibleCpus } from '../../linux/libbpf.ts'
import type { CoreMaps, CoreMemory } from './core-memory.ts'
import type { CoreState } from './core-state.ts'
import { CONNECTION, decodeConnection, FLOW, FLOW4 } from './layout/connection-layout.ts'
import { COUNTERS, DROP_REASONS, sumCounters, sumU64 } from './layout/counters-layout.ts'
import { decodeDest, decodeLoad, DEST, DEST_LOAD, type DestEntry } from './layout/destination-layout.ts'
import { decodeService, decodeServiceKey, SERVICE, SERVICE_KEY } from './layout/service-layout.ts'
import { CALL_ID, decodeTemplate, isOfCall, TEMPLATE, TEMPLATE_KEY } from './layout/template-layout.ts'

/** Packets dropped, by reason. */
export type Drops = Readonly<Record<(typeof DROP_REASONS)[number], bigint>>

/** Reads what the core holds. */
export class CoreReader {
  readonly #maps: CoreMaps
  readonly #memory: CoreMemory
  readonly #cpus = possibleCpus()

  constructor(maps: CoreMaps, memory: CoreMemory) {
    this.#maps = maps
    this.#memory = memory
  }

  /** Takes over what an earlier daemon has left. */
  recall(): void {
    const { chunked } = this.#memory
    for (const map of Object.values(chunked)) map.recall()
    for (const [slot, value] of chunked.dests.values(Array(chunked.dests.room).keys(), DEST.bytes)) {
      const dest = decodeDest(value)
      if (dest !== undefined) this.#memory.dests.set(slot, dest)
    }
    this.#memory.localAddresses.read()
    this.#memory.access.read(this.#entries().flatMap(({ entry }) => (entry.listed ? [entry.slot] : [])))
  }

  /** Every service that the core has, one for each key that leads to it. */
  services(): CoreState['services'] {
    const { tables, localAddresses, access } = this.#memory
    return this.#entries().map(({ key, entry }) => ({
      key,
      entry,
      table: tables.get(entry.slot)?.table,
      localAddresses: localAddresses.of(entry.slot),
      access: access.entries(entry.slot),
    }))
  }

  #entries() {
    const found = this.#maps.services.entries(SERVICE_KEY.bytes, SERVICE.bytes)
    return Array.from(found, ([key, value]) => ({ key: decodeServiceKey(key), entry: decodeService(value) }))
  }

  /** Every real server that the core knows, and its connections. One that is gone is known until its last one has ended. */
  destinations(): CoreState['dests'] {
    const { dests } = this.#memory
    const found = new Map<number, { dest: DestEntry; load: Load }>()
    const read = bySlot(this.#maps.loads, dests.keys(), DEST_LOAD.bytes)
    for (const [slot, dest] of dests) {
      const load = decodeLoad(read(slot))
      if (dest.state === 'present' || load.active > 0 || load.inactive > 0) found.set(slot, { dest, load })
      else dests.delete(slot)
    }
    return found
  }

  /** Counters of services or real servers, by slot. */
  counters(of: 'service' | 'dest', slots: Iterable<number>): ReadonlyMap<number, Counters> {
    const counters = new Map<number, Counters>()
    const map = this.#memory.chunked[`${of}_counters`]
    for (const [slot, value] of map.values(slots, COUNTERS.bytes * this.#cpus)) counters.set(slot, sumCounters(value))
    return counters
  }

  drops(): Drops {
    const read = bySlot(this.#maps.drops, DROP_REASONS.keys(), 8 * this.#cpus)
    const entries = DROP_REASONS.map((reason, i) => [reason, sumU64(read(i))])
    // fromEntries forgets that every reason is there.
    return Object.fromEntries(entries) as Drops
  }

  /** Connections, then templates, as they are while the list is read. */
  *connections(): Generator<Connection> {
    const nowNs = process.hrtime.bigint()
    const destOf = (slot: number) => this.#memory.dests.get(slot)
    for (const [map, keySize, family] of [
      ['connections', FLOW4.bytes, 4],
      ['connections6', FLOW.bytes, 6],
    ] as const) {
      for (const [key, value] of this.#maps[map].entries(keySize, CONNECTION.bytes)) {
        const connection = decodeConnection({ family, key, value }, destOf, nowNs)
        if (connection !== undefined) yield connection
      }
    }
    for (const [key, value] of this.#maps.templates.entries(TEMPLATE_KEY.bytes, TEMPLATE.bytes)) {
      const template = decodeTemplate({ key, value, call: this.#callOf(key) }, destOf, nowNs)
      if (template !== undefined) yield template
    }
  }

  #callOf(key: Uint8Array): Uint8Array | undefined {
    const call = new Uint8Array(CALL_ID.bytes)
    return isOfCall(key) && this.#maps.call_ids.lookup(key, call) ? call : undefined
  }
}

/** The values of an array map at some of its slots; those before them are read with them. */
function bySlot(map: BpfMap, slots: Iterable<number>, size: number): (slot: number) => Uint8Array {
  const values = map.first(Math.max(-1, ...slots) + 1, size)
  return (slot) => values.subarray(slot * size, (slot + 1) * size)
}
