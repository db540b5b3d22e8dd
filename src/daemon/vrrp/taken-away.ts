import { itemText } from '../../net/route-text.ts'
import type { ChangeRouting, Keep } from '../../vrrp/effect.ts'
import type { TakenAway } from '../messages.ts'

/**
 * What the director remembers of addresses that were put back, and of routes and rules that are left alone. An address that was taken
 * away too often is the reason of a fault instead. `at`: in ms since the epoch.
 */
export function takenAway(effect: Extract<Keep, { type: 'restore' }> | ChangeRouting, at: number): TakenAway {
  if (effect.type === 'restore') {
    const items = effect.addresses.map(
      ({ address: { address, prefix, device } }) => `${address}/${prefix} dev ${device}`,
    )
    return { type: 'taken-away', items, outcome: 'put back', at }
  }
  const items = effect.items.map((each) => `${each.kind} ${itemText(each)}`)
  return { type: 'taken-away', items, outcome: 'left alone', at }
}
