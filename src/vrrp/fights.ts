import { after, millis } from '../time.ts'
import { settle } from './group.ts'
import { isOn, stolenFrom } from './holdings.ts'
import { isLeaseOver } from './lease.ts'
import { routesFrom } from './routing.ts'
import type { Members } from './members.ts'
import { addressesOf, addressKey, type HeldAddress, type Interface, type Member } from './state.ts'

/**
 * Somebody else on this host takes virtual addresses away: another program that believes to own the interface, or a person. Each time they
 * are put back at once, which costs clients a few milliseconds. Who does it again and again is not fought for ever: a peer, where
 * nobody takes the address away, serves better, and two programs that answer each other would keep the processor busy.
 */

/** So often within that time is too often. BOUNDED: no more times are remembered. */
const LIMIT = 10
const WITHIN = millis(60_000)
/** How long the instance leaves its role to others then. */
const REST = millis(60_000)

/** Puts back what was taken away, or gives up. `before`: the interfaces until now. What was not there then, nobody has taken away since. */
export function defend(members: Members, before: readonly Interface[]): void {
  const { now } = members
  const state = members.state()
  // What has expired because this process did not run may be somebody else's by now: that is heard first.
  if (isLeaseOver(state, now)) return
  const stolen = stolenFrom(state)
  if (stolen.length === 0) return
  const thefts = new Map(state.thefts)
  for (const key of stolen.filter(({ address }) => isOn(before, address)).map(keyOf)) {
    const recent = (thefts.get(key) ?? []).filter((at) => now - at < WITHIN)
    thefts.set(key, [...recent, now].slice(-LIMIT))
  }
  members.learn({ thefts })
  const isLost = (each: HeldAddress) => thefts.get(keyOf(each))?.length === LIMIT
  const restored = stolen.filter((each) => !isLost(each))
  if (restored.length > 0) {
    members.keep({ type: 'restore', addresses: restored, why: 'taken' })
    members.putBack(
      routesFrom(
        state,
        restored.map(({ address }) => address.address),
      ),
    )
  }
  const lost = new Set(stolen.filter(isLost).map(keyOf))
  for (const member of members.all()) {
    const { config } = member
    const address = addressesOf(config).find((each) => each.options?.untracked !== true && lost.has(addressKey(each)))
    if (member.state.name === 'master' && address !== undefined) {
      change(members, config.name, { address: address.address, until: after(now, REST) })
    }
  }
}

/** Those that have rested take part again. */
export function endRests(members: Members, due: readonly string[]): void {
  for (const { config, robbed } of members.find(due)) {
    if (robbed !== undefined && robbed.until <= members.now) change(members, config.name, undefined)
  }
}

function change(members: Members, name: string, robbed: Member['robbed']): void {
  const before = new Map([...members.all()].map((each) => [each.config.name, each]))
  members.change(name, { robbed })
  if (!members.state().stopped) settle(members, name, before)
}

const keyOf = ({ address }: HeldAddress) => addressKey(address)
