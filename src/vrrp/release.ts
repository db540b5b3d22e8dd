import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'
import { linkFinder } from './link.ts'
import { itemsOf, type RoutingItem } from '../net/route.ts'
import type { ChangeRouting, Effect } from './effect.ts'
import { routingKey } from './routing.ts'
import { addressesOf, addressKey, type HeldAddress, type Interface } from './state.ts'
import type { Succession } from './succession.ts'
import { successorTime } from './timers.ts'

/** What is given up from outside the vrrp process. */
export interface Release {
  /** All of the configuration. */
  readonly instances: readonly VrrpInstance[]
  /** Some of the masters; or everything, also what is remembered of before, whatever the configuration says by now. */
  readonly what: Succession | 'everything'
  /** Also what an orderly stop has left to expire, which goes by itself otherwise. */
  readonly now: boolean
}

/** The host that it is given up on. */
export interface ReleasingHost {
  readonly interfaces: readonly Interface[]
  readonly present: readonly { readonly address: Address; readonly expires: boolean }[]
  /** What directors have put there. */
  readonly remembered: readonly HeldAddress[]
  readonly routing: readonly RoutingItem[]
}

/** Routes and rules to remove. */
interface RemoveRouting extends ChangeRouting {
  readonly type: 'remove-routing'
}

export type ReleaseEffect = Extract<Effect, { readonly type: 'advertise' | 'expire' | 'remove' }> | RemoveRouting

/**
 * Priority 0 for those that this host has the addresses of, so that peers take over after the skew time. Their addresses stay until
 * then, and the kernel takes them away; what nobody is told of goes at once.
 */
export function release(
  { instances, what, now }: Release,
  { interfaces, present, remembered, routing }: ReleasingHost,
): readonly ReleaseEffect[] {
  const given = what === 'everything' ? instances : what.resigned
  // Of every instance: a source must not be an address that somebody else is about to have, or a master here still has.
  const virtual = [...instances.flatMap(addressesOf), ...remembered.map(({ address }) => address)]
  const linkOf = linkFinder(interfaces, virtual)
  const renewed = new Set(remembered.flatMap(({ address, expires }) => (expires ? [] : [address.address])))
  const here = new Set(present.flatMap((own) => (own.expires && !renewed.has(own.address) ? [] : [own.address])))
  const told = given.flatMap((instance) => {
    const { source } = linkOf(instance, undefined)
    const isHeld = addressesOf(instance).some(({ address }) => here.has(address))
    return isHeld && source !== undefined ? [{ instance, source }] : []
  })
  const staying = what === 'everything' ? [] : what.adopted.flatMap(addressesOf)
  const expiring = now ? [] : remembered.filter(({ expires }) => expires).map(({ address }) => address)
  const kept = new Set([...staying, ...expiring].map(addressKey))
  const leaving = now
    ? []
    : told
        .flatMap(({ instance }) => addressesOf(instance))
        .filter((address) => here.has(address.address) && !kept.has(addressKey(address)))
  for (const address of leaving) kept.add(addressKey(address))
  const removal = (addresses: readonly VirtualAddress[], scope: 'any' | 'ours'): ReleaseEffect => ({
    type: 'remove',
    addresses: addresses.filter((address) => !kept.has(addressKey(address))),
    scope,
  })
  const farewells = told.map((each): ReleaseEffect => ({ type: 'advertise', ...each, priority: 0 }))
  const left = remembered.map(({ address }) => address)
  return [
    ...farewells,
    ...releasedRouting(what, routing),
    ...expiry(
      leaving,
      told.map(({ instance }) => instance.advertInt),
    ),
    removal(given.flatMap(addressesOf), 'any'),
    ...(what === 'everything' ? [removal(left, 'ours')] : []),
  ]
}

/** Rules before routes. What is static goes with everything only. */
function releasedRouting(what: Release['what'], remembered: readonly RoutingItem[]): readonly RemoveRouting[] {
  const isOf = (instances: readonly VrrpInstance[]) => {
    const keys = new Set(instances.flatMap(itemsOf).map(routingKey))
    return (item: RoutingItem) => keys.has(routingKey(item))
  }
  const items =
    what === 'everything'
      ? remembered
      : remembered.filter(isOf(what.resigned)).filter((item) => !isOf(what.adopted)(item))
  const rules = items.filter(({ kind }) => kind === 'rule')
  const routes = items.filter(({ kind }) => kind === 'route')
  return items.length === 0 ? [] : [{ type: 'remove-routing', items: [...rules, ...routes] }]
}

function expiry(addresses: readonly VirtualAddress[], intervals: readonly Millis[]): readonly ReleaseEffect[] {
  if (addresses.length === 0) return []
  const held = addresses.map((address): HeldAddress => ({ address, router: 'released', expires: true }))
  return [{ type: 'expire', addresses: held, after: successorTime(intervals) }]
}
