import { isIpv4 } from '../net/address.ts'
import type { VirtualServerSettings } from './keywords/root.ts'

/** Of a virtual server by firewall mark: that of its real servers, unless the file says it; of a name IPv4. */
export function markFamilyOf({
  ip_family: said,
  real_server: [first],
}: Pick<VirtualServerSettings, 'ip_family' | 'real_server'>): 'inet' | 'inet6' {
  return said ?? (first?.id.address === undefined || isIpv4(first.id.address) ? 'inet' : 'inet6')
}
