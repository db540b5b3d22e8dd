import type { FailedBack, HandedOver } from '../model/duty.ts'
import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Address } from '../net/address.ts'
import type { RoutingItem } from '../net/route.ts'
import type { Millis } from '../time.ts'
import type { EngineState, HeldAddress, InstanceState } from './state.ts'

/** What is said at once: peers wait for it. */
export type Saying =
  | { readonly type: 'advertise'; readonly instance: VrrpInstance; readonly source: Address; readonly priority: number }
  /** Tell the unicast peers, and the link, where the source of the adverts is. */
  | { readonly type: 'introduce'; readonly instance: VrrpInstance; readonly source: Address }
  | {
      readonly type: 'transition'
      readonly instance: VrrpInstance
      readonly from: InstanceState['name']
      readonly to: InstanceState['name']
      readonly reason: string
    }
  /** The effective priority of an instance that stays in its state is another one. */
  | {
      readonly type: 'priority'
      readonly instance: VrrpInstance
      readonly state: 'master' | 'backup'
      readonly priority: number
      readonly before: number
    }
  /** Somebody with less right to it believed to be master, too: heard by a master. */
  | {
      readonly type: 'rival'
      readonly instance: VrrpInstance
      readonly source: Address
      readonly priority: number
      /** The master's own. */
      readonly own: number
    }
  /** Answers `yield`, once for each instance. */
  | { readonly type: 'yielded'; readonly instance: VrrpInstance; readonly result: HandedOver }
  /** Answers `resume`, once for each instance. */
  | { readonly type: 'resumed'; readonly instance: VrrpInstance; readonly result: FailedBack }

/** What becomes of addresses that the host has, or had until somebody else took them away. */
export type Keep =
  /** Let the kernel remove these after a while, unless they are added again. */
  | { readonly type: 'expire'; readonly addresses: readonly HeldAddress[]; readonly after: Millis }
  /** They are gone, because somebody else has removed them or they were not renewed in time: put them back. */
  | { readonly type: 'restore'; readonly addresses: readonly HeldAddress[]; readonly why: 'taken' | 'expired' }
  /** Their lease begins anew. */
  | { readonly type: 'renew'; readonly addresses: readonly HeldAddress[] }

/** Have these, for good or with a lease. */
export interface Add {
  readonly type: 'add'
  readonly addresses: readonly HeldAddress[]
  /** Those of them that are there with other options, as they were: the kernel cannot change these of an address that it has. */
  readonly replaced: readonly VirtualAddress[]
}

/** One block of gratuitous ARPs or neighbour advertisements for these addresses, each so many times. */
export interface Announce {
  readonly type: 'announce'
  readonly instance: VrrpInstance
  readonly addresses: readonly VirtualAddress[]
  readonly repeat: number
}

export interface Remove {
  readonly type: 'remove'
  readonly addresses: readonly VirtualAddress[]
  /** `ours`: only if this host did not have the address before an instance wanted it. */
  readonly scope: 'any' | 'ours'
}

/** Routes and rules. `restore`: somebody else has removed them; `abandon`: again and again, so that they are left alone for now. */
export interface ChangeRouting {
  readonly type: 'add-routing' | 'restore-routing' | 'abandon-routing' | 'remove-routing'
  readonly items: readonly RoutingItem[]
}

export type Effect = Saying | Keep | Add | Announce | Remove | ChangeRouting

/**
 * What comes of an event. The effects are to be carried out in their order, which is always this one, since what comes
 * early must not wait for what takes long, and no address that is wanted may be away in between:
 *
 * 1. What is said (`Saying`), in the order in which it happened: peers are waiting for the adverts. The transitions of an
 *    instance follow on each other, from the state before the event to the one after it. Its farewell (priority 0) stands
 *    before the transition that ends its role, its first advert behind the transition that begins it.
 * 2. What becomes of addresses that are there (`Keep`): before 3, which makes lasting what would expire.
 * 3. `add`, at most one: before 5, since neighbours act on an announcement at once, and before 6, so that the host is never
 *    without an address that only gets another prefix length.
 * 4. `restore-routing`, `abandon-routing`, and `add-routing`, routes before rules: behind 3, since a route may have an address
 *    that is added as its source.
 * 5. `announce`, only of instances that are master after the event.
 * 6. `remove-routing`, rules before routes, then `remove`: nothing of which a master after the event has.
 */
export interface Step {
  readonly state: EngineState
  readonly effects: readonly Effect[]
}
