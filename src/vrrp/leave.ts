import type { VrrpInstance } from '../model/vrrp.ts'
import { after, type Millis } from '../time.ts'
import { groupOf } from './group.ts'
import { heldFor } from './holdings.ts'
import type { Members } from './members.ts'
import { addressesOf, addressKey, type EngineState, type Keeping, type Member } from './state.ts'
import { ADDRESSES_EXPIRE_AFTER, leaveTime } from './timers.ts'

/**
 * An orderly stop: priority 0 (RFC 9568 §6.4.3), and the addresses go when a successor is heard, so that one director
 * has them at any time. Where nobody follows, the kernel takes them away after a while: a restart finds them.
 */
export function stop(members: Members, keepAddresses: boolean): void {
  for (const { config, keeps, state } of members.all()) {
    if (keepAddresses && (state.name === 'master' || keeps !== undefined)) {
      members.change(config.name, { keeps: leavingOf(members.state(), config, members.now, 'expire') })
    } else members.dismiss(config.name)
  }
  for (const { config } of members.all()) {
    members.retire(config.name, 'stopped')
    members.change(config.name, { state: { name: 'init' }, reason: 'stopped' })
  }
  members.end()
}

/** Ends the wait of those that nobody has followed in time. */
export function leaveInTime(members: Members, due: readonly string[]): void {
  for (const { config, keeps } of members.find(due)) {
    if (keeps?.type !== 'leaving' || keeps.until > members.now) continue
    const group = groupOf(members.state(), config.name)
    if (keeps.end === 'expire') {
      const addresses = heldFor(members.state(), group)
      if (addresses.length > 0) members.keep({ type: 'expire', addresses, after: ADDRESSES_EXPIRE_AFTER })
      for (const each of group) members.change(each, { keeps: undefined })
      members.forget(addresses)
    } else for (const each of group) members.dismiss(each)
  }
}

/** Somebody else is master: addresses that were only kept go. A stopping group goes as a whole. */
export function yieldAddresses(members: Members, { config, keeps }: Member): void {
  if (keeps === undefined) return
  const group = keeps.type === 'leaving' ? groupOf(members.state(), config.name) : [config.name]
  for (const each of group) members.dismiss(each)
}

/**
 * What is kept of a master that leaves, until when: nothing where it has nothing. A group waits as long as its slowest member
 * needs. `end`: what becomes of the addresses when it is known that nobody follows.
 */
export function leavingOf(
  state: EngineState,
  config: VrrpInstance,
  now: Millis,
  end: 'expire' | 'remove',
): Keeping | undefined {
  if (!holds(state, config)) return undefined
  const group = groupOf(state, config.name)
  const { wait, conclusive } = leaveTime(group.flatMap((each) => state.members.get(each)?.config.advertInt ?? []))
  return { type: 'leaving', until: after(now, wait), end: conclusive ? end : 'remove' }
}

const holds = ({ held }: EngineState, config: VrrpInstance) =>
  addressesOf(config).some((address) => held.has(addressKey(address)))
