import { after, millis } from '../time.ts'
import { linkOf } from './link.ts'
import type { Members } from './members.ts'
import { faultReason, recoveryReason } from './reasons.ts'
import { groupOf } from './routers.ts'
import { addressesOf, isUsable, type Member } from './state.ts'
import { INTRODUCE_AFTER, LINK_SETTLES, masterDownInterval } from './timers.ts'

/** Brings every instance and its group in line with the interfaces as they are now known. */
export function followLinks(members: Members): void {
  const { interfaces, held, stopped } = members.state()
  if (interfaces === undefined) return
  const before: ReadonlyMap<string, Member> = new Map([...members.all()].map((each) => [each.config.name, each]))
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
  if (state?.name === 'backup') awaitAdverts(members, config.name)
  if (state?.name !== 'master') return
  members.introduce(config.name)
  members.announce(config)
}

function settle(members: Members, name: string, before: ReadonlyMap<string, Member>): void {
  const group = groupOf(members.state(), name).flatMap((each) => members.get(each) ?? [])
  if (group.some(({ link }) => link === undefined)) return
  const broken = group.find(({ link }) => !isUsable(link))
  for (const member of group) {
    if (broken !== undefined) fail(members, member, broken)
    else if (member.state.name === 'init' || member.state.name === 'fault') begin(members, member, group, before)
  }
}

/** One that cannot take part keeps the others of its group from it. */
function fail(members: Members, { config, link, state }: Member, broken: Member): void {
  const theirs = faultReason(broken.config, broken.link?.fault ?? 'down')
  const reason =
    link?.fault === undefined
      ? members.inGroup(config.name, broken.config.name, theirs)
      : faultReason(config, link.fault)
  if (state.name === 'fault') {
    members.change(config.name, { reason })
    return
  }
  members.farewell(config.name)
  members.dismiss(config.name)
  members.transition(config.name, { name: 'fault' }, reason)
}

/** RFC 9568 §6.4.1. */
function begin(
  members: Members,
  { config, state }: Member,
  group: readonly Member[],
  before: ReadonlyMap<string, Member>,
): void {
  if (group.every((each) => each.config.priority === 255)) {
    // The owner of the addresses is master from the start.
    members.becomeMaster(config.name, 'owns the addresses')
    return
  }
  const recovered = state.name === 'fault'
  members.becomeBackup(config.name, recovered ? recovery(members, config.name, before) : 'started')
  if (recovered || config.unicastPeers.length > 0) awaitAdverts(members, config.name)
}

/** The down timer begins when adverts could have come; unicast peers learn where to send them. */
function awaitAdverts(members: Members, name: string): void {
  const { config, state } = members.get(name) ?? {}
  if (config === undefined || state?.name !== 'backup') return
  const down = masterDownInterval(config, state.masterInterval)
  const masterDownAt = after(members.now, millis(down + LINK_SETTLES))
  const introduceAt = config.unicastPeers.length > 0 ? INTRODUCE_AFTER.map((delay) => after(members.now, delay)) : []
  members.change(name, { state: { ...state, masterDownAt, introduceAt } })
  members.introduce(name)
}

/** What has come back since the last look. */
function recovery(members: Members, name: string, before: ReadonlyMap<string, Member>): string {
  const own = before.get(name)
  if (own?.link?.fault !== undefined) return recoveryReason(own.config, own.link.fault)
  const other = groupOf(members.state(), name)
    .flatMap((each) => before.get(each) ?? [])
    .find(({ link }) => link?.fault !== undefined)
  if (other?.link?.fault === undefined) return 'nothing is missing any more'
  return members.inGroup(name, other.config.name, recoveryReason(other.config, other.link.fault))
}
