import type { PlannedDestination, PlannedService } from '../balance/plan.ts'
import { serviceName } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'
import type { Address } from '../net/address.ts'

/** What this is about of a service. */
type Asked = Pick<PlannedService, 'id' | 'marked' | 'throughFirewall'>

/**
 * Whether clients of a service would get no answer from this server if it is the director itself. With another port than was asked
 * for its listening socket is named to the stack, which there is for TCP only, and not behind the link for marks; other answers would
 * have to be translated where they leave.
 */
export function isMuteHere(
  { id, marked, throughFirewall }: Asked,
  { endpoint, forwarding }: Pick<PlannedDestination, 'endpoint' | 'forwarding'>,
): boolean {
  if (forwarding.method === 'DR' || forwarding.method === 'TUN' || endpoint.port === 0) return false
  const ways = id.by === 'address' ? [id, ...marked] : marked
  const isServed = ({ vip, protocol }: (typeof ways)[number]) =>
    vip.port === endpoint.port || (protocol === 'TCP' && !throughFirewall)
  return !(ways.length > 0 && ways.every(isServed))
}

export const MUTE_HERE =
  'is this director itself, which can serve at another port than the virtual server only over TCP, and not behind a firewall mark'
export const MUTE_HERE_HINT = 'give it the port of the virtual server'

/** A sentence about each server that is this director itself and whose clients would get no answer. */
export function muteServers(
  services: readonly PlannedService[],
  isLocal: (address: Address) => boolean,
): ReadonlySet<string> {
  const found = services.flatMap((service) =>
    service.destinations
      .filter((server) => isMuteHere(service, server) && isLocal(server.endpoint.address))
      .map(({ endpoint }) => {
        const where = `real server ${endpointName(endpoint)} of VS ${serviceName(service.id)}`
        return `${where} ${MUTE_HERE}; ${MUTE_HERE_HINT}`
      }),
  )
  return new Set(found)
}
