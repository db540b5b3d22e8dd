import type { PlannedService } from '../../balance/plan.ts'
import { FIREWALL_MARK } from './layout/service-layout.ts'
import type { Marked } from './mark-route.ts'
import { isIpv4 } from '../../net/address.ts'

/** The marks whose packets the kernel is to route back to us. */
export function marksOf(services: readonly PlannedService[]): readonly Marked[] {
  // A service whose packets Tanist itself tells by their address needs no mark of a firewall.
  const own = services.flatMap(({ id, marked }) => (id.by === 'fwmark' && marked.length === 0 ? [id] : []))
  const through = services.flatMap(({ id, marked, throughFirewall }) => (throughFirewall ? [id, ...marked] : []))
  const families = new Set(
    through.flatMap((id): Marked['family'][] =>
      id.by === 'address' ? [isIpv4(id.vip.address) ? 'inet' : 'inet6'] : [],
    ),
  )
  return [...own, ...[...families].map((family) => ({ mark: FIREWALL_MARK, mask: FIREWALL_MARK, family }))]
}

/** The same for the same marks. */
export const marksKey = (marks: readonly Marked[]): string =>
  marks.map(({ family, mark, mask }) => `${family} ${mark}/${mask}`).join()
