import { trackerKey, type TrackerResult } from '../model/tracking.ts'
import { after, millis } from '../time.ts'
import { settle, uniteGroups } from './group.ts'
import { linkFinder } from './link.ts'
import { countedInterfaces, linkStatuses } from './link-delays.ts'
import type { Members } from './members.ts'
import { addressesOf, isUsable, type Member, timingOf } from './state.ts'
import { masterDownInterval } from './timers.ts'
import { effectivePriority, trackedOf } from './trackers.ts'

/** What an instance hangs on, by itself and in its group: its link, and what its trackers say. */

/** Takes news of trackers. Most say what they have said before. */
export function followTrackers(members: Members, results: readonly TrackerResult[]): void {
  const before = membersByName(members)
  if (!learnResults(members, results)) return
  const changed = assess(members)
  if (members.state().stopped) return
  for (const name of changed) settle(members, name, before)
  // One that has waited for its first result may have begun beside members that are master.
  uniteGroups(members)
  for (const [name, member] of before) followPriority(members, name, member)
}

/** Takes results of trackers that somebody hangs on. Returns whether there is another value among them. */
export function learnResults(members: Members, results: readonly TrackerResult[]): boolean {
  const next = new Map(members.state().results)
  let isNews = false
  for (const result of results) {
    const key = trackerKey(result)
    const old = next.get(key)
    if (old === undefined && !trackedKeys(members).has(key)) continue
    const isSame = JSON.stringify(old?.value) === JSON.stringify(result.value)
    isNews ||= !isSame
    next.set(key, { ...result, since: old !== undefined && isSame ? old.since : result.at })
  }
  members.learn({ results: next })
  return isNews
}

/** What nobody hangs on any more is not known any more. */
export function forgetResults(members: Members): void {
  const keys = trackedKeys(members)
  members.learn({ results: new Map([...members.state().results].filter(([key]) => keys.has(key))) })
}

function trackedKeys(members: Members): ReadonlySet<string> {
  const configs = [...members.all()].map(({ config }) => config)
  return new Set([...configs, ...members.state().groups].flatMap(({ tracks }) => tracks.map(trackerKey)))
}

/** What every instance hangs on, and its effective priority, from what is known now. Returns those that it has changed for. */
export function assess(members: Members): readonly string[] {
  const changed: string[] = []
  for (const { config, tracked: before, priority: was } of members.all()) {
    const tracked = trackedOf(config, members.state())
    const priority = effectivePriority(config, tracked)
    if (priority === was && JSON.stringify(tracked) === JSON.stringify(before)) continue
    members.change(config.name, { tracked, priority })
    changed.push(config.name)
  }
  return changed
}

/** Another effective priority, of one that goes on in its state: peers of a master are told at once. */
export function followPriority(members: Members, name: string, before: Member): void {
  const member = members.get(name)
  if (member === undefined || !goesOnWithAnother(member, before)) return
  if (member.state.name === 'master') members.advertise(name)
  moveDownTimer(members, name, before)
  tellPriority(members, name, before)
}

/** The down timer of a backup that waits longer or shorter than before goes on, and ends by so much later or earlier. */
export function moveDownTimer(members: Members, name: string, before: Member): void {
  const member = members.get(name)
  if (member?.state.name !== 'backup' || before.state.name !== 'backup') return
  const { state } = member
  const wait = (of: Member) => masterDownInterval(timingOf(of), state.masterInterval)
  const masterDownAt = after(state.masterDownAt, millis(wait(member) - wait(before)))
  members.change(name, { state: { ...state, masterDownAt } })
}

/** That an instance that goes on in its state has another effective priority. */
export function tellPriority(members: Members, name: string, before: Member): void {
  const member = members.get(name)
  if (member === undefined || !goesOnWithAnother(member, before)) return
  const { config: instance, state, priority } = member
  if (state.name !== 'master' && state.name !== 'backup') return
  members.say({ type: 'priority', instance, state: state.name, priority, before: before.priority })
}

const goesOnWithAnother = (member: Member, before: Member) =>
  member.priority !== before.priority && member.state.name === before.state.name

/** Brings every instance and its group in line with the interfaces as they are now known, and as they count. */
export function followLinks(members: Members): void {
  if (members.state().interfaces === undefined) return
  const before = membersByName(members)
  lookAtLinks(members)
  assess(members)
  if (members.state().stopped) return
  for (const member of before.values()) followIdentity(members, member)
  for (const name of before.keys()) settle(members, name, before)
  for (const [name, member] of before) followPriority(members, name, member)
}

function lookAtLinks(members: Members): void {
  members.learn({ links: linkStatuses(members.state(), members.now) })
  const { held } = members.state()
  const all = [...members.all()]
  const listed = all.flatMap(({ config }) => addressesOf(config))
  const virtual = [...listed, ...[...held.values()].map(({ address }) => address)]
  const linkOf = linkFinder(countedInterfaces(members.state()), virtual)
  for (const { config, link } of all) members.change(config.name, { link: linkOf(config, link) })
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
