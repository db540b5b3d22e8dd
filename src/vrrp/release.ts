import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import { linkOf } from './link.ts'
import type { Effect } from './effect.ts'
import { addressesOf, addressKey, type HeldAddress, type Interface } from './state.ts'
import type { Succession } from './succession.ts'

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
  readonly present: readonly { readonly address: Ipv4; readonly expires: boolean }[]
  /** What directors have put there. */
  readonly remembered: readonly HeldAddress[]
}

export type ReleaseEffect = Extract<Effect, { readonly type: 'advertise' | 'remove' }>

/** Priority 0 for those that this host has the addresses of, so that peers take over after the skew time; then no address. */
export function release(
  { instances, what, now }: Release,
  { interfaces, present, remembered }: ReleasingHost,
): readonly ReleaseEffect[] {
  const given = what === 'everything' ? instances : what.resigned
  // Of every instance: a source must not be an address that somebody else is about to have, or a master here still has.
  const virtual = [...instances.flatMap(addressesOf), ...remembered.map(({ address }) => address)]
  const farewells = given.flatMap((instance): ReleaseEffect[] => {
    const { source } = linkOf(instance, interfaces, virtual, undefined)
    const wanted = addressesOf(instance)
    const isHeld = present.some((own) => !own.expires && wanted.some(({ address }) => address === own.address))
    return isHeld && source !== undefined ? [{ type: 'advertise', instance, source, priority: 0 }] : []
  })
  const staying = what === 'everything' ? [] : what.adopted.flatMap(addressesOf)
  const expiring = now ? [] : remembered.filter(({ expires }) => expires).map(({ address }) => address)
  const kept = new Set([...staying, ...expiring].map(addressKey))
  const removal = (addresses: readonly VirtualAddress[], scope: 'any' | 'ours'): ReleaseEffect => ({
    type: 'remove',
    addresses: addresses.filter((address) => !kept.has(addressKey(address))),
    scope,
  })
  const left = remembered.map(({ address }) => address)
  return [
    ...farewells,
    removal(given.flatMap(addressesOf), 'any'),
    ...(what === 'everything' ? [removal(left, 'ours')] : []),
  ]
}
