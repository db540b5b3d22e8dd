import type { RoutingSnapshot } from '../../control/snapshot.ts'
import { itemsOf, type Routing, type RoutingItem } from '../../net/route.ts'
import { itemText } from '../../net/route-text.ts'
import { routingKey, wantsStatics } from '../../vrrp/routing.ts'
import { addressKey, type EngineState } from '../../vrrp/state.ts'

/** The routes and rules of an instance, as they stand. */
export function routingSnapshot(of: Routing, { routing, absent }: EngineState): readonly RoutingSnapshot[] {
  const stateOf = (item: RoutingItem): RoutingSnapshot['state'] => {
    const key = routingKey(item)
    return routing.has(key) ? (absent.has(key) ? 'missing' : 'set') : 'not set'
  }
  return itemsOf(of).map((item) => ({ kind: item.kind, text: itemText(item), state: stateOf(item) }))
}

/** What is there whatever the roles are. */
export function staticSnapshot(engine: EngineState): readonly RoutingSnapshot[] {
  const addresses = engine.statics.addresses.map((each): RoutingSnapshot => {
    const { address, prefix, device } = each
    const link = engine.interfaces?.find(({ name }) => name === device)
    const isThere = link?.addresses.some((own) => own.address === address && own.prefix === prefix) ?? false
    const isWanted = wantsStatics(engine) && engine.held.has(addressKey(each))
    const state = isThere ? 'set' : isWanted ? 'missing' : 'not set'
    return { kind: 'address', text: `${address}/${prefix} dev ${device}`, state }
  })
  return [...addresses, ...routingSnapshot(engine.statics, engine)]
}
