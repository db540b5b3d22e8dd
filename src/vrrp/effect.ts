import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import type { EngineState, HeldAddress, InstanceState } from './state.ts'

/** What is said at once: peers wait for it. */
export type Saying =
  | { readonly type: 'advertise'; readonly instance: VrrpInstance; readonly source: Ipv4; readonly priority: number }
  /** Tell the unicast peers, and the link, where the source of the adverts is. */
  | { readonly type: 'introduce'; readonly instance: VrrpInstance; readonly source: Ipv4 }
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
      readonly source: Ipv4
      readonly priority: number
      /** The master's own. */
      readonly own: number
    }

/** What becomes of addresses that the host has, or had until somebody else took them away. */
export type Keep =
  /** Let the kernel remove these after a while, unless they are added again. */
  | { readonly type: 'expire'; readonly addresses: readonly HeldAddress[]; readonly after: Millis }
  /** Somebody else has removed them: put them back. */
  | { readonly type: 'restore'; readonly addresses: readonly HeldAddress[] }

/** Have these for good. */
export interface Add {
  readonly type: 'add'
  readonly addresses: readonly HeldAddress[]
}

/** One block of gratuitous ARPs for the virtual addresses. */
export interface Announce {
  readonly type: 'announce'
  readonly instance: VrrpInstance
}

export interface Remove {
  readonly type: 'remove'
  readonly addresses: readonly VirtualAddress[]
  /** `ours`: only if this host did not have the address before an instance wanted it. */
  readonly scope: 'any' | 'ours'
}

export type Effect = Saying | Keep | Add | Announce | Remove

/**
 * What comes of an event. The effects are to be carried out in their order, which is always this one, since what comes
 * early must not wait for what takes long, and no address that is wanted may be away in between:
 *
 * 1. What is said (`Saying`), in the order in which it happened: peers are waiting for the adverts. The transitions of an
 *    instance follow on each other, from the state before the event to the one after it. Its farewell (priority 0) stands
 *    before the transition that ends its role, its first advert behind the transition that begins it.
 * 2. What becomes of addresses that are there (`Keep`): before 3, which makes lasting what would expire.
 * 3. `add`, at most one: before 4, since neighbours act on an announcement at once, and before 5, so that the host is never
 *    without an address that only gets another prefix length.
 * 4. `announce`, only of instances that are master after the event.
 * 5. `remove`, nothing of which a master after the event has.
 */
export interface Step {
  readonly state: EngineState
  readonly effects: readonly Effect[]
}
