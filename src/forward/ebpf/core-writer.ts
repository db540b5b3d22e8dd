import { createInnerArray, possibleCpus, u32 } from '../../linux/libbpf.ts'
import { calls } from '../../linux/libc.ts'
import type { CoreMaps, CoreMemory } from './core-memory.ts'
import { type LaidTable, resume } from './laid-table.ts'
import { COUNTERS } from './layout/counters-layout.ts'
import { DEST, DEST_LOAD, layDest } from './layout/destination-layout.ts'
import { encodeService, encodeServiceKey, encodeTable } from './layout/service-layout.ts'
import type { Write } from './write.ts'

/** Tables or lists that are put into place together: each is an open file until then. */
const BATCH = 256

type WriteOf<Type extends Write['type']> = Extract<Write, { type: Type }>

/** Carries out what `difference` has found. */
export class CoreWriter {
  readonly #maps: CoreMaps
  readonly #memory: CoreMemory
  readonly #noCounters = new Uint8Array(COUNTERS.bytes * possibleCpus())

  constructor(maps: CoreMaps, memory: CoreMemory) {
    this.#maps = maps
    this.#memory = memory
  }

  /** One after the other; tables go together, and so do access lists, since the kernel waits for packets with each. Throws SystemError. */
  write(writes: readonly Write[]): void {
    this.#makeRoom(writes)
    const tables = writes.filter((write) => write.type === 'table')
    const lists = writes.filter((write) => write.type === 'access')
    for (const write of writes) {
      if (write.type !== 'table' && write.type !== 'access') this.#write(write)
      else if (write === tables[0]) for (const some of inBatches(tables)) this.#writeTables(some)
      else if (write === lists[0]) for (const some of inBatches(lists)) this.#memory.access.write(some)
    }
  }

  /** Before anything is written: what there is no memory for changes nothing. Throws SystemError. */
  #makeRoom(writes: readonly Write[]): void {
    const { dests, ways, dest_counters, service_counters } = this.#memory.chunked
    const [servers, services] = writes.reduce(
      ([dest, service], write) => [
        write.type === 'dest' ? Math.max(dest, write.slot + 1) : dest,
        write.type === 'service' ? Math.max(service, write.entry.slot + 1) : service,
      ],
      [0, 0],
    )
    for (const map of [dests, ways, dest_counters]) map.grow(servers)
    service_counters.grow(services)
  }

  #write(write: Exclude<Write, { type: 'table' | 'access' }>): void {
    switch (write.type) {
      case 'dest':
        this.#writeDest(write)
        break
      case 'local-addresses':
        this.#memory.localAddresses.write(write.slot, write.addresses)
        break
      case 'overload':
        this.#maps.overloads.update(u32(write.slot), u32(Number(write.is)))
        break
      case 'service':
        this.#writeService(write)
        break
      case 'delete-service':
        this.#deleteService(write)
        break
    }
  }

  #writeDest({ slot, dest, fresh }: WriteOf<'dest'>): void {
    const { chunked } = this.#memory
    if (fresh) {
      this.#maps.loads.update(u32(slot), new Uint8Array(DEST_LOAD.bytes))
      this.#maps.overloads.update(u32(slot), u32(0))
      chunked.dest_counters.update(slot, this.#noCounters)
    }
    const before = new Uint8Array(DEST.bytes)
    chunked.dests.lookup(slot, before)
    for (const value of layDest(dest, before, fresh)) chunked.dests.update(slot, value)
    this.#memory.dests.set(slot, dest)
  }

  #writeService({ key, entry, fresh, left }: WriteOf<'service'>): void {
    if (fresh) {
      const { dest_counters, service_counters } = this.#memory.chunked
      service_counters.update(entry.slot, this.#noCounters)
      for (const slot of left) dest_counters.update(slot, this.#noCounters)
    }
    this.#maps.services.update(encodeServiceKey(key), encodeService(entry))
  }

  #deleteService({ key, slot, last }: WriteOf<'delete-service'>): void {
    if (last) {
      this.#memory.tables.delete(slot)
      this.#memory.localAddresses.write(slot, [])
    }
    this.#maps.services.delete(encodeServiceKey(key))
    if (last) this.#memory.access.delete(slot)
  }

  /**
   * Puts tables into place, each in one step. When it returns, no packet uses one from before any more: the kernel waits for those
   * that do.
   */
  #writeTables(writes: readonly WriteOf<'table'>[]): void {
    const laid = writes.map(({ slot, table }) => ({
      slot,
      table,
      begun: this.#resumedCursor(slot, table),
      inner: createInnerArray(encodeTable(table)),
    }))
    this.#maps.tables.updateAll(laid.map(({ slot, inner }) => [u32(slot), u32(inner.fd)]))
    for (const { slot, table, begun, inner } of laid) {
      this.#maps.cursors.update(u32(slot), new Uint8Array(BigUint64Array.of(BigInt(begun)).buffer))
      calls.close(inner.fd)
      this.#memory.tables.set(slot, { table, begun })
    }
  }

  /** Where a service's round robin goes on with a new table. */
  #resumedCursor(slot: number, table: LaidTable): number {
    const known = this.#memory.tables.get(slot)
    if (known === undefined) return table.start
    const value = new Uint8Array(8)
    this.#maps.cursors.lookup(u32(slot), value)
    const cursor = new DataView(value.buffer).getBigUint64(0, true)
    const { length } = known.table.slots
    const next = length === 0 ? 0 : Number(cursor % BigInt(length))
    return resume(known.table, next, cursor !== BigInt(known.begun), table)
  }
}

function* inBatches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += BATCH) yield all.slice(from, from + BATCH)
}
