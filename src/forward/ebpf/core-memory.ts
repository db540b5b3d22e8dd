import type { BpfMap } from '../../linux/libbpf.ts'
import { AccessLists } from './access-lists.ts'
import { ChunkedMap } from './chunked-map.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import { COUNTERS } from './layout/counters-layout.ts'
import { DEST } from './layout/destination-layout.ts'
import { WAY } from './layout/way-layout.ts'
import { LocalAddresses } from './local-addresses.ts'
import type { PINNED_MAPS } from './pins.ts'

/** The loaded program's maps, by name. */
export type CoreMaps = Readonly<Record<(typeof PINNED_MAPS)[number], BpfMap>>

/** What is known of the maps without reading them again, since nobody else writes it. Bounded by the core's slots. */
export interface CoreMemory {
  /** By slot. */
  readonly dests: Map<number, DestEntry>
  /** By service slot: the table that was written, and the cursor that it began with. */
  readonly tables: Map<number, { readonly table: LaidTable; readonly begun: number }>
  readonly localAddresses: LocalAddresses
  /** Who may open connections. */
  readonly access: AccessLists
  readonly chunked: Chunked
}

/** Those of the maps that are in chunks. */
export type Chunked = Readonly<Record<'dests' | 'ways' | 'dest_counters' | 'service_counters', ChunkedMap>>

export const emptyMemory = (maps: CoreMaps): CoreMemory => ({
  dests: new Map(),
  tables: new Map(),
  localAddresses: new LocalAddresses(maps.local_pools),
  access: new AccessLists(maps.access_lists, maps.access_hits),
  chunked: {
    dests: new ChunkedMap(maps.dests, maps.first_dests, 'array', DEST.bytes),
    ways: new ChunkedMap(maps.ways, maps.first_ways, 'array', WAY.bytes),
    dest_counters: new ChunkedMap(maps.dest_counters, maps.first_dest_counters, 'per-CPU array', COUNTERS.bytes),
    service_counters: new ChunkedMap(
      maps.service_counters,
      maps.first_service_counters,
      'per-CPU array',
      COUNTERS.bytes,
    ),
  },
})
