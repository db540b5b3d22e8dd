import type { VrrpInstance } from '../model/vrrp.ts'
import { after, millis } from '../time.ts'
import { uniteGroups } from './group.ts'
import { linkStatuses } from './link-delays.ts'
import type { Members } from './members.ts'
import { survivors } from './router.ts'
import { addressesOf, addressKey, type Event, type Keeping, type Member, timingOf } from './state.ts'
import { ADDRESSES_EXPIRE_AFTER, LINK_SETTLES, masterDownInterval } from './timers.ts'
import { assess, followLinks, followPriority, forgetResults, learnResults, tellPriority } from './tracking.ts'

/** The first configuration, or another one. */
export function configure(
  members: Members,
  { instances, groups, linkDelays, results }: Extract<Event, { type: 'configure' }>,
): void {
  const previous = [...members.all()]
  const survived = survivors(members.state().members, instances)
  const staying = new Set(survived.values())
  for (const member of previous) {
    if (!staying.has(member)) members.retire(member.config.name, 'removed from the configuration')
  }
  const oldGroups = members.state().groups
  const next = instances.map((config) => goOn(config, survived.get(config.name)))
  members.replace(next, groups)
  members.learn({ linkDelays })
  forgetResults(members)
  learnResults(members, results)
  if (members.state().interfaces !== undefined) {
    members.learn({ links: linkStatuses(members.state(), members.now) })
  }
  assess(members)
  const isOtherwiseGrouped = JSON.stringify(oldGroups) !== JSON.stringify(groups)
  for (const { config } of members.all()) {
    const before = survived.get(config.name)
    const isOther = JSON.stringify(before?.config) !== JSON.stringify(config)
    if (before !== undefined) (isOther ? tellPriority : followPriority)(members, config.name, before)
    const member = members.get(config.name)
    if (member === undefined || !(isOther || isOtherwiseGrouped)) continue
    const { state } = member
    if (state.name === 'backup' && state.masterDownAt <= members.now) {
      // It was the group that it waited for, or a master that it might preempt: both may be different now.
      const masterDownAt = after(members.now, masterDownInterval(timingOf(member), state.masterInterval))
      members.change(config.name, { state: { ...state, masterDownAt } })
    }
    if (state.name !== 'master' || !isOther) continue
    members.advertise(config.name)
    members.announce(config)
  }
  followLinks(members)
  uniteGroups(members)
  outlastTheDownTimer(members)
}

function goOn(config: VrrpInstance, before: Member | undefined): Member {
  return {
    config,
    tracked: before?.tracked ?? [],
    priority: before?.priority ?? config.priority,
    link: before?.link,
    state: before?.state ?? { name: 'init' },
    reason: before?.reason ?? 'configured',
    keeps: keptBy(config, before),
  }
}

/** A new instance keeps what it finds on the host, and one with other addresses, too, until a master is heard. */
function keptBy(config: VrrpInstance, before: Member | undefined): Keeping | undefined {
  if (before === undefined) return { type: 'waiting' }
  const keys = (of: VrrpInstance) => addressesOf(of).map(addressKey)
  const old = new Set(keys(before.config))
  const isNew = before.state.name !== 'master' && keys(config).some((key) => !old.has(key))
  return before.keeps ?? (isNew ? { type: 'waiting' } : undefined)
}

/** What was left to expire is needed until it is known whether there is a master. */
function outlastTheDownTimer(members: Members): void {
  for (const member of members.all()) {
    const { config, keeps } = member
    if (keeps?.type !== 'waiting') continue
    const addresses = addressesOf(config).flatMap((address) => members.state().held.get(addressKey(address)) ?? [])
    const expiring = addresses.filter(({ expires }) => expires)
    const needed = masterDownInterval(timingOf(member), config.advertInt) + LINK_SETTLES + ADDRESSES_EXPIRE_AFTER
    if (expiring.length > 0) members.keep({ type: 'expire', addresses: expiring, after: millis(needed) })
  }
}
