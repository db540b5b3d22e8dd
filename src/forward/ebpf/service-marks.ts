import type { PlannedService } from '../../balance/plan.ts'
import { FIREWALL_MARK } from './layout/service-layout.ts'
import type { Marked } from './mark-route.ts'
import { familyOf, type MarkService, type ServiceId } from '../../model/service.ts'
import { isPathMark, PATH_MARK } from '../../model/service-path.ts'
import { type Address, isIpv4 } from '../../net/address.ts'

/** The marks whose packets the kernel is to route back to us. */
export function marksOf(services: readonly PlannedService[]): readonly Marked[] {
  // A service whose packets Tanist itself tells by their address needs no mark of a firewall.
  const own = services.flatMap(({ id, marked }) => (needsMark(id, marked) ? [id] : []))
  const paths = new Set(services.flatMap(({ id }) => (isPath(id) ? [familyOf(id)] : [])))
  const through = services.flatMap(({ id, marked, throughFirewall }) => (throughFirewall ? [id, ...marked] : []))
  const families = new Set(
    through.flatMap((id): Marked['family'][] =>
      id.by === 'address' ? [isIpv4(id.vip.address) ? 'inet' : 'inet6'] : [],
    ),
  )
  return [
    ...own,
    ...[...paths].map((family) => ({ mark: PATH_MARK.value, mask: PATH_MARK.mask, family })),
    ...[...families].map((family) => ({ mark: FIREWALL_MARK, mask: FIREWALL_MARK, family })),
  ]
}

/** Of checks that go the way of clients: one rule is for all of them. */
const isPath = (id: ServiceId): boolean => id.by === 'fwmark' && isPathMark(id.mark)

/** Whether a firewall must mark its packets. */
const needsMark = (id: ServiceId, marked: readonly unknown[]): id is MarkService =>
  id.by === 'fwmark' && marked.length === 0 && !isPath(id)

/**
 * Of those that are to be closed, the ones that can be. Where a firewall's mark makes a service, any packet of the family may yet get one:
 * the mark comes after the core has seen it.
 */
export function closedAddresses(
  wanted: readonly Address[],
  services: readonly Pick<PlannedService, 'id' | 'marked'>[],
): readonly Address[] {
  const marked = new Set(services.flatMap(({ id, marked: own }) => (needsMark(id, own) ? [id.family] : [])))
  return wanted.filter((address) => !marked.has(isIpv4(address) ? 'inet' : 'inet6'))
}

/** The same for the same marks. */
export const marksKey = (marks: readonly Marked[]): string =>
  marks.map(({ family, mark, mask }) => `${family} ${mark}/${mask}`).join()
