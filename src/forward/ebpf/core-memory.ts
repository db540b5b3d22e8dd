import type { BpfMap } from '../../linux/libbpf.ts'
import { AccessLists } from './access-lists.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
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
}

export const emptyMemory = (maps: CoreMaps): CoreMemory => ({
  dests: new Map(),
  tables: new Map(),
  localAddresses: new LocalAddresses(maps.local_pools),
  access: new AccessLists(maps.access_lists, maps.access_hits),
})
