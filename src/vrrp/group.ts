import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import { after, millis } from '../time.ts'
import type { Members } from './members.ts'
import { faultReason, recoveryReason, startReason, waitReason } from './reasons.ts'
import { type EngineState, isUsable, type Member, type Obstacle, obstacleOf } from './state.ts'
import { startsAt } from './start.ts'
import { LINK_SETTLES } from './timers.ts'

/** Sync groups: their members share their state. An instance in no group is a group of itself. */

/** The groups by the names of their members, of each list of groups that is in use. */
const indexes = new WeakMap<readonly SyncGroup[], ReadonlyMap<string, SyncGroup>>()

/** The sync group of an instance, or undefined: the first that lists it. */
export function groupNamed(groups: readonly SyncGroup[], instance: string): SyncGroup | undefined {
  const known = indexes.get(groups)
  if (known !== undefined) return known.get(instance)
  const index = new Map(groups.toReversed().flatMap((group) => group.instances.map((name) => [name, group] as const)))
  indexes.set(groups, index)
  return index.get(instance)
}

/** The names of an instance's group. */
export function namesInGroup(groups: readonly SyncGroup[], instance: string): readonly string[] {
  return groupNamed(groups, instance)?.instances ?? [instance]
}

/** Those of an instance's group that there are. */
export function groupOf({ groups, members }: EngineState, name: string): readonly string[] {
  return namesInGroup(groups, name).filter((each) => members.has(each))
}

/** When every one of a group has waited long enough; infinite while one is neither backup nor master. */
export function readyAt({ members }: EngineState, group: readonly string[]): number {
  return Math.max(
    ...group.map((member) => {
      const { state: own, duty } = members.get(member) ?? {}
      if (own?.name === 'backup' && duty !== 'maintenance') return own.masterDownAt
      return own?.name === 'master' ? 0 : Number.POSITIVE_INFINITY
    }),
  )
}

/** A reason that came from another member of the group. */
export function reasonInGroup({ groups }: EngineState, name: string, cause: string, reason: string): string {
  return `sync group ${groupNamed(groups, name)?.name ?? ''}: ${cause} (${reason})`
}

/** A group that is made of masters and backups by now: all begin as backups, and the election is one for all. */
export function uniteGroups(members: Members): void {
  for (const { name: group, instances } of members.state().groups) {
    const all = instances.flatMap((name) => members.get(name) ?? [])
    if (!all.some(({ state }) => state.name === 'backup')) continue
    for (const { config, state } of all) {
      if (state.name !== 'master') continue
      members.farewell(config.name)
      members.becomeBackup(config.name, `sync group ${group}: not all of its members were master`)
      members.change(config.name, { keeps: { type: 'waiting' } })
    }
  }
}

/** Brings a group in line with what its members can do now; `before`: what they could until now. */
export function settle(members: Members, name: string, before: ReadonlyMap<string, Member>): void {
  const group = groupOf(members.state(), name).flatMap((each) => members.get(each) ?? [])
  if (group.some(({ link }) => link === undefined)) return
  const [broken] = group.flatMap((member) => {
    const obstacle = obstacleOf(member)
    return obstacle === undefined ? [] : [{ config: member.config, obstacle }]
  })
  const awaited = group.flatMap(({ tracked }) => tracked).find(({ consequence }) => consequence.type === 'wait')
  for (const member of group) {
    if (member.departed) continue
    if (broken !== undefined) fail(members, member, broken)
    else if (member.state.name === 'init' || member.state.name === 'fault') {
      if (awaited === undefined) begin(members, member, group, before)
      else members.change(member.config.name, { reason: waitReason(awaited) })
    }
  }
}

/** One that cannot take part keeps the others of its group from it. */
function fail(
  members: Members,
  member: Member,
  broken: Pick<Member, 'config'> & { readonly obstacle: Obstacle },
): void {
  const { name } = member.config
  const own = obstacleOf(member)
  const reason =
    own === undefined
      ? reasonInGroup(members.state(), name, broken.config.name, faultReason(broken.config, broken.obstacle))
      : faultReason(member.config, own)
  if (member.state.name === 'fault') {
    members.change(name, { reason })
    return
  }
  members.farewell(name)
  members.dismiss(name)
  members.transition(name, { name: 'fault' }, reason)
}

/** RFC 9568 §6.4.1. */
function begin(
  members: Members,
  { config, state, duty }: Member,
  group: readonly Member[],
  before: ReadonlyMap<string, Member>,
): void {
  const begins = startsAt(members.state(), config)
  if (duty === 'normal' && group.every((each) => each.config.priority === 255)) {
    // The owner of the addresses is master from the start.
    if (begins <= members.now) members.becomeMaster(config.name, 'owns the addresses')
    else members.becomeBackup(config.name, 'waits for its start delay', { until: begins })
    return
  }
  const recovered = state.name === 'fault'
  members.becomeBackup(
    config.name,
    recovered ? recovery(members.state(), config.name, before) : startReason(begins, members.now),
  )
  if (recovered ? hasJustComeUp(members, config, before) : config.unicastPeers.length > 0) {
    members.awaitAdverts(config.name)
  }
}

/** Its link was missing until now or a moment ago. Where only a tracker was, adverts have arrived all the time. */
function hasJustComeUp(members: Members, config: VrrpInstance, before: ReadonlyMap<string, Member>): boolean {
  const upSince = members.state().links.get(config.interface)?.since ?? millis(0)
  return !isUsable(before.get(config.name)?.link) || members.now < after(upSince, LINK_SETTLES)
}

/** What has come back since the last look. */
function recovery(state: EngineState, name: string, before: ReadonlyMap<string, Member>): string {
  const all = [name, ...groupOf(state, name)].flatMap((each) => before.get(each) ?? [])
  for (const member of all) {
    const obstacle = obstacleOf(member)
    if (obstacle === undefined) continue
    const reason = recoveryReason(member.config, obstacle)
    return member.config.name === name ? reason : reasonInGroup(state, name, member.config.name, reason)
  }
  return 'nothing is missing any more'
}
