import { type Millis, millis } from '../time.ts'
import { configure } from './configure.ts'
import { groupOf, groupReadyAt, uniteGroups } from './group.ts'
import { stolenFrom } from './holdings.ts'
import { hearAdvert, meetDeadline } from './instance.ts'
import { leaveInTime, stop } from './leave.ts'
import { nextLinkChange } from './link-delays.ts'
import { Members } from './members.ts'
import { matchRouters } from './router.ts'
import type { Step } from './effect.ts'
import { type EngineState, type Event, type Interface, isAble } from './state.ts'
import { followLinks, followTrackers } from './tracking.ts'

/** Advances the election by one event. RFC 9568 §6.4. */
export function step(state: EngineState, event: Event, now: Millis): Step {
  const members = new Members(state, now)
  switch (event.type) {
    case 'inherit':
      members.inherit(event.addresses)
      break
    case 'configure':
      configure(members, event)
      break
    case 'network':
      network(members, event.interfaces)
      break
    case 'advert':
      hearAdvert(members, event)
      break
    case 'trackers':
      followTrackers(members, event.results)
      break
    case 'adopt':
      adopt(members, event)
      break
    case 'deadline':
      leaveInTime(members)
      if (nextLinkChange(state) <= now) followLinks(members)
      for (const member of members.all()) meetDeadline(members, member)
      break
    case 'hand-over':
      members.handOver()
      break
    case 'stop':
      stop(members, event.keepAddresses)
      break
  }
  return members.result()
}

/** When `deadline` is due, or undefined when nothing waits for time. */
export function nextDeadline(state: EngineState): Millis | undefined {
  let next = nextLinkChange(state)
  for (const { config, state: own, keeps } of state.members.values()) {
    if (own.name === 'master') next = Math.min(next, own.advertiseAt, ...own.announceAt)
    // A group moves when the last of its members is ready.
    if (own.name === 'backup') next = Math.min(next, groupReadyAt(state, config.name), ...own.introduceAt)
    if (keeps?.type === 'leaving') next = Math.min(next, keeps.until)
  }
  return Number.isFinite(next) ? millis(next) : undefined
}

/** Whether a stopped engine has nothing left to wait for. */
export function isFinished({ stopped, members }: EngineState): boolean {
  return stopped && [...members.values()].every(({ keeps }) => keeps === undefined)
}

function network(members: Members, interfaces: readonly Interface[]): void {
  members.learn({ interfaces })
  followLinks(members)
  const stolen = stolenFrom(members.state())
  if (stolen.length > 0) members.keep({ type: 'restore', addresses: stolen })
}

/** Those that a process before this one was master of, and that can take part, go on as masters. */
function adopt(members: Members, { masters, known }: Extract<Event, { type: 'adopt' }>): void {
  if (members.state().stopped) return
  const instances = [...members.all()].map(({ config }) => config)
  for (const name of matchRouters(masters, instances).keys()) {
    // One that cannot take part keeps its whole group from it.
    const group = groupOf(members.state(), name).flatMap((each) => members.get(each) ?? [])
    if (group.length > 0 && group.every(isAble)) {
      members.becomeMaster(name, 'adopted after a restart of the vrrp process')
    }
  }
  uniteGroups(members)
  for (const [name, { state, reason }] of matchRouters(known, instances)) {
    if (members.get(name)?.state.name === state) members.change(name, { reason })
  }
}
