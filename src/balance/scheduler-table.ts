import type { Scheduler } from '../model/service.ts'
import { destinationHashTable, maglevTable, sourceHashTable } from './hash-tables.ts'
import type { PlannedDestination, PlannedService } from './plan.ts'
import { wrrSequence } from './wrr.ts'

/** What a backend that does not know the schedulers itself picks from. */
export interface SchedulerTable {
  /** Positions in `destinations`: a sequence, the buckets of a hash, or the whole list. */
  readonly entries: readonly number[]
  /** wrr: the current weight at each entry. */
  readonly levels: readonly number[]
  /** rr, wrr: the entry that a new service begins with. */
  readonly start: number
}

/** BOUNDED by the plans that are in force: an entry goes with its service. */
const TABLES = new WeakMap<PlannedService, SchedulerTable>()

/** The table of a planned service. One that did not change is the same object in the next plan, and keeps its table. */
export function schedulerTable(service: PlannedService): SchedulerTable {
  const known = TABLES.get(service)
  if (known !== undefined) return known
  const table = tableFor(service.scheduler, service.destinations)
  TABLES.set(service, table)
  return table
}

function tableFor(scheduler: Scheduler, destinations: readonly PlannedDestination[]): SchedulerTable {
  const list = (entries: readonly number[]): SchedulerTable => ({ entries, levels: [], start: 0 })
  const hashed = destinations.map(({ endpoint, weight, fullWeight }) => ({
    ...endpoint,
    weight,
    lastWeight: fullWeight,
  }))
  switch (scheduler) {
    case 'wrr':
      return wrrSequence(destinations.map(({ weight }) => weight))
    case 'dh':
      return list(destinationHashTable(hashed))
    case 'sh':
      return list(sourceHashTable(hashed))
    case 'mh':
      return list(maglevTable(hashed))
    case 'rr':
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'fo':
    case 'ovf':
    case 'lblc':
    case 'lblcr':
    case 'twos':
      return list([...destinations.keys()])
    case 'none':
      return list([])
  }
}
