import type { Load } from '../../model/core-reading.ts'
import type { AccessEntry, ServiceId } from '../../model/service.ts'
import type { Address } from '../../net/address.ts'
import type { LaidTable } from './laid-table.ts'
import type { DestEntry } from './layout/destination-layout.ts'
import type { ServiceEntry } from './layout/service-layout.ts'

/**
 * What the core holds, as read from its maps. They are the only memory: a restarted daemon continues from them. A table is
 * undefined when this process has not written it.
 */
export interface CoreState {
  readonly services: readonly {
    readonly key: ServiceId
    readonly entry: ServiceEntry
    readonly table: LaidTable | undefined
    readonly localAddresses: readonly Address[]
    readonly access: readonly AccessEntry[]
  }[]
  /** Every slot that has been used, with the connections that still refer to it. */
  readonly dests: ReadonlyMap<number, { readonly dest: DestEntry; readonly load: Load }>
}
