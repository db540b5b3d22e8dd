import type { VrrpInstance } from '../model/vrrp.ts'
import { after, millis } from '../time.ts'
import { settle } from './group.ts'
import { linkOf } from './link.ts'
import type { Members } from './members.ts'
import { addressesOf, isUsable, type Member, timingOf, type Tracked } from './state.ts'
import { skewTime } from './timers.ts'

/** What an instance hangs on, by itself and in its group: its link, and what its trackers say. */

/**
 * The priority that is advertised and decides: the configured one with what the trackers add or take, within 1 to 254.
 * The owner of the addresses stays 255 (RFC 9568 §5.2.4), as in keepalived.
 */
export function effectivePriority({ priority }: Pick<VrrpInstance, 'priority'>, tracked: readonly Tracked[]): number {
  if (priority === 255) return priority
  const sum = tracked.reduce((total, each) => total + (each.type === 'weight' ? each.weight : 0), priority)
  return Math.min(254, Math.max(1, sum))
}

/** Takes what the trackers of an instance say now. */
export function followTrackers(members: Members, name: string, tracked: readonly Tracked[]): void {
  const member = members.get(name)
  if (member === undefined) return
  const before = membersByName(members)
  members.change(name, { tracked, priority: effectivePriority(member.config, tracked) })
  if (members.state().stopped) return
  settle(members, name, before)
  followPriority(members, member)
}

/** Another effective priority, of one that goes on in its state: peers of a master are told at once. */
function followPriority(members: Members, before: Member): void {
  const { name } = before.config
  const member = members.get(name)
  if (member === undefined || member.priority === before.priority) return
  if (before.state.name === 'master' && member.state.name === 'master') members.advertise(name)
  if (before.state.name !== 'backup' || member.state.name !== 'backup') return
  // The down timer goes on: it only ends by the other skew time.
  const { state } = member
  const skew = (of: Member) => skewTime(timingOf(of), state.masterInterval)
  const masterDownAt = after(state.masterDownAt, millis(skew(member) - skew(before)))
  members.change(name, { state: { ...state, masterDownAt } })
}

/** Brings every instance and its group in line with the interfaces as they are now known. */
export function followLinks(members: Members): void {
  const { interfaces, held, stopped } = members.state()
  if (interfaces === undefined) return
  const before = membersByName(members)
  const listed = [...before.values()].flatMap(({ config }) => addressesOf(config))
  const virtual = [...listed, ...[...held.values()].map(({ address }) => address)]
  for (const [name, { config, link }] of before) {
    members.change(name, { link: linkOf(config, interfaces, virtual, link) })
  }
  if (stopped) return
  for (const member of before.values()) followIdentity(members, member)
  for (const name of before.keys()) settle(members, name, before)
}

/** The interface, its hardware address or the source is another one, and was never seen missing. */
function followIdentity(members: Members, { config, link: before }: Member): void {
  const { link, state } = members.get(config.name) ?? {}
  if (!isUsable(before) || !isUsable(link) || link?.identity === before?.identity) return
  if (state?.name === 'backup') members.awaitAdverts(config.name)
  if (state?.name !== 'master') return
  members.introduce(config.name)
  members.announce(config)
}

const membersByName = (members: Members): ReadonlyMap<string, Member> =>
  new Map([...members.all()].map((each) => [each.config.name, each]))
