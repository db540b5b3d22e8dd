import { after, type Millis, millis } from '../time.ts'
import { stolenFrom } from './holdings.ts'
import type { Members } from './members.ts'
import { addressKey, type EngineState, type HeldAddress, type Renewal } from './state.ts'

/**
 * Virtual addresses are leased from the kernel, which takes them away when nobody renews them: after the end of all processes, or
 * while they are stopped, nobody else answers for what a peer has taken over.
 */

/** A half is left when one is renewed: long enough to kill and replace a vrrp process that hangs. */
export const renewsAfter = (lease: Millis): Millis => millis(lease / 2)

const leased = (held: EngineState['held']): readonly HeldAddress[] =>
  [...held.values()].filter(({ lease, expires }) => lease !== undefined && !expires)

const shortest = (addresses: readonly HeldAddress[]): Millis =>
  millis(Math.min(...addresses.map(({ lease }) => lease ?? Number.POSITIVE_INFINITY)))

/** When the addresses of a state are to be renewed. What was added just now has its whole lease, and is renewed with the others. */
export function renewalOf(held: EngineState['held'], before: Renewal | undefined, now: Millis): Renewal | undefined {
  const addresses = leased(held)
  if (addresses.length === 0) return undefined
  const lease = shortest(addresses)
  const at = millis(Math.min(before?.at ?? Number.POSITIVE_INFINITY, after(now, renewsAfter(lease))))
  return { at, overAt: before?.overAt ?? after(now, lease) }
}

/** Whether the leases have ended since nobody renewed them: this process did not run. */
export const isLeaseOver = ({ renewal }: EngineState, now: Millis): boolean =>
  renewal !== undefined && now >= renewal.overAt

/** Renews what is due. Whoever was away for too long has heard by now whether somebody else is master: it has the deadline read first. */
export function renewInTime(members: Members): void {
  const { now } = members
  const state = members.state()
  const { renewal, held } = state
  if (renewal === undefined || now < renewal.at) return
  const lost = isLeaseOver(state, now) ? stolenFrom(state) : []
  const lostKeys = new Set(lost.map(({ address }) => addressKey(address)))
  const addresses = leased(held)
  const others = addresses.filter(({ address }) => !lostKeys.has(addressKey(address)))
  if (others.length > 0) members.keep({ type: 'renew', addresses: others })
  if (lost.length > 0) members.keep({ type: 'restore', addresses: lost, why: 'expired' })
  const lease = shortest(addresses)
  members.learn({ renewal: { at: after(now, renewsAfter(lease)), overAt: after(now, lease) } })
}
