import { type Duties, type Duty, NO_DUTIES } from '../model/duty.ts'
import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import { after, millis } from '../time.ts'
import { namesInGroup, uniteGroups } from './group.ts'
import { leavingOf } from './leave.ts'
import { linkStatuses } from './link-delays.ts'
import type { Members } from './members.ts'
import { routerKey, survivors } from './router.ts'
import { addressesOf, addressKey, type Event, type Keeping, type Member, timingOf } from './state.ts'
import { ADDRESSES_EXPIRE_AFTER, LINK_SETTLES, masterDownInterval } from './timers.ts'
import {
  assess,
  followLinks,
  followPriority,
  forgetResults,
  learnResults,
  moveDownTimer,
  tellPriority,
} from './tracking.ts'

const NONE = { addresses: [], routes: [], rules: [] } as const

/** The first configuration, or another one. */
export function configure(
  members: Members,
  {
    instances,
    groups,
    linkDelays,
    results,
    statics = NONE,
    bootedAt,
    duties = NO_DUTIES,
    checked = false,
  }: Extract<Event, { type: 'configure' }>,
): void {
  members.begin(bootedAt)
  const previous = [...members.all()]
  const survived = survivors(members.state().members, instances)
  const staying = new Set(survived.values())
  const leaving = previous.filter((member) => !staying.has(member))
  const departing = withOwnNames(
    leaving.flatMap((member) => departed(members, member, instances) ?? []),
    instances,
  )
  for (const { config, departed: isGone } of leaving) {
    if (!isGone) members.retire(config.name, 'removed from the configuration')
  }
  const oldGroups = members.state().groups
  const next = instances.map((config) => goOn(config, survived.get(config.name), dutyOf(config, groups, duties)))
  members.replace([...next, ...departing], groups)
  members.learn({ checked: checked || members.state().checked })
  members.learn({ linkDelays, statics })
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
    if (before !== undefined && isOther) moveDownTimer(members, config.name, before)
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
    members.keepRefreshing(config)
    members.announce(config)
  }
  followLinks(members)
  uniteGroups(members)
  outlastTheDownTimer(members)
}

function goOn(config: VrrpInstance, before: Member | undefined, duty: Duty): Member {
  return {
    config,
    tracked: before?.tracked ?? [],
    priority: before?.priority ?? config.priority,
    link: before?.link,
    state: before?.state ?? { name: 'init' },
    reason: before?.reason ?? 'configured',
    keeps: keptBy(config, before),
    duty: before?.duty ?? duty,
    departed: false,
    dual: before?.dual,
    robbed: before?.robbed,
  }
}

/** What is asked of one that begins: one that goes on knows it. */
function dutyOf({ name }: VrrpInstance, groups: readonly SyncGroup[], { maintenance, standby }: Duties): Duty {
  if (maintenance) return 'maintenance'
  return namesInGroup(groups, name).some((each) => standby.includes(each)) ? 'standby' : 'normal'
}

/**
 * A master that is removed from the configuration leaves as at a stop: it keeps its addresses until its successor is heard.
 * Undefined where nothing is kept, or where another instance hears the adverts of its router from now on.
 */
function departed(members: Members, member: Member, instances: readonly VrrpInstance[]): Member | undefined {
  if (member.departed) return member
  const { config, state, link, priority } = member
  const isTaken = instances.some((each) => routerKey(each) === routerKey(config))
  if (state.name !== 'master' || isTaken) return undefined
  const keeps = leavingOf(members.state(), config, members.now, 'remove')
  if (keeps === undefined) return undefined
  const reason = 'removed from the configuration'
  return {
    config: { ...config, name: `${config.name} (removed)`, tracks: [] },
    link,
    tracked: [],
    priority,
    state: { name: 'init' },
    reason,
    keeps,
    duty: 'normal',
    departed: true,
    dual: undefined,
    robbed: undefined,
  }
}

/** Two that were removed may have had one name, and somebody may be called so by now. */
function withOwnNames(departing: readonly Member[], instances: readonly VrrpInstance[]): readonly Member[] {
  const taken = new Set(instances.map(({ name }) => name))
  return departing.map((member) => {
    let { name } = member.config
    while (taken.has(name)) name += ' (removed)'
    taken.add(name)
    return { ...member, config: { ...member.config, name } }
  })
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
