import type { Check } from '../model/check.ts'
import { familyOf, type VirtualServer } from '../model/service.ts'
import { isIpv4 } from '../net/address.ts'
import { type PlannedService, planService } from './plan.ts'

const NO_FLAGS = { port: false, fallback: false, third: false }

/**
 * A service of one real server alone for what checks send by the way of clients, whatever the pool of its virtual server is at the moment:
 * a server that is down must be asked, too. Packets are told by their mark.
 */
export const pathServices = (servers: readonly VirtualServer[]): readonly PlannedService[] =>
  servers.flatMap((server) =>
    server.realServers.flatMap(({ checks, endpoint, forwarding }) => {
      const ids = new Map(
        checks.flatMap((check) => {
          const id = 'target' in check && pathOf(check)
          return id ? [[familyOf(id), id]] : []
        }),
      )
      const destination = { endpoint, forwarding, weight: 1, fullWeight: 1, thresholds: { upper: 0, lower: 0 } }
      return [...ids.values()].map((id) => planService({ ...server, ...PLAIN, id }, [destination]))
    }),
  )

/** Of a virtual server only the addresses of full NAT count here. */
const PLAIN = {
  marked: [],
  scheduler: 'rr',
  schedulerFlags: NO_FLAGS,
  persistence: undefined,
  onePacket: false,
  idleSeconds: undefined,
  access: [],
  throughFirewall: false,
} as const

function pathOf({ through, source, target }: Check) {
  if (through === undefined || source?.mark === undefined) return undefined
  return { by: 'fwmark', mark: source.mark, family: isIpv4(target.address) ? 'inet' : 'inet6' } as const
}
