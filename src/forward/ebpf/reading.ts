import type { AccessReading } from '../../model/access-hits.ts'
import type { CoreReading, ServerReading, ServiceReading } from '../../model/core-reading.ts'
import type { Core } from './core.ts'
import type { Counting } from './counting.ts'

/** All that the core holds but connections. Throws SystemError. */
export function readCore(core: Core, counting: Counting): CoreReading {
  const services = core.services()
  const dests = core.destinations()
  const slots = services.map(({ entry }) => entry.slot)
  const counters = { service: core.counters('service', slots), dest: core.counters('dest', dests.keys()) }
  const counted = (of: keyof typeof counters, slot: number) => {
    const now = counters[of].get(slot)
    if (now === undefined) throw new Error(`the counters of ${of} ${slot} were not read`)
    return counting.counted(of, slot, now)
  }
  const access = core.access.readings(slots)
  return {
    size: core.maxConnections,
    timeouts: core.timeouts,
    services: services.map(({ key: id, entry }): ServiceReading => {
      const { slot, scheduler, flags, persistence, onePacket, byHand } = entry
      const list = listed(access.get(slot))
      return { id, scheduler, flags, persistence, onePacket, byHand, access: list, counted: counted('service', slot) }
    }),
    servers: [...dests].map(([slot, { dest, load }]): ServerReading => {
      const { service, endpoint, forwarding, weight, thresholds, state } = dest
      const isPresent = state === 'present'
      return { service, endpoint, forwarding, weight, thresholds, isPresent, load, counted: counted('dest', slot) }
    }),
    drops: core.drops(),
  }
}

/** A service that has no list any more keeps an empty one. */
const listed = (list: AccessReading | undefined) => (list?.entries.length === 0 ? undefined : list)
