import { type Millis, millis } from '../time.ts'
import { configure } from './configure.ts'
import { resume, yieldRoles } from './duty.ts'
import { defend, endRests } from './fights.ts'
import { groupOf, uniteGroups } from './group.ts'
import { lostBy } from './holdings.ts'
import { hearAdvert, meetDeadline } from './instance.ts'
import { giveUpLate } from './late.ts'
import { leaveInTime, stop } from './leave.ts'
import { renewInTime } from './lease.ts'
import { nextLinkChange } from './link-delays.ts'
import { Members } from './members.ts'
import { matchRouters } from './router.ts'
import { nextPutBack, putBack } from './routing.ts'
import type { Step } from './effect.ts'
import { type EngineState, type Event, type Interface, isAble } from './state.ts'
import { followLinks, followTrackers } from './tracking.ts'

/** Advances the election by one event. RFC 9568 §6.4. */
export function step(state: EngineState, event: Event, now: Millis): Step {
  const members = new Members(state, now)
  if (!state.stopped) giveUpLate(members)
  switch (event.type) {
    case 'inherit':
      members.inherit(event.addresses, event.routing ?? [])
      break
    case 'configure':
      configure(members, event)
      break
    case 'network':
      network(members, event.interfaces)
      break
    case 'routing':
      missRouting(members, event.missing)
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
      deadline(members, state.members.due(now))
      break
    case 'yield':
      yieldRoles(members, event)
      break
    case 'resume':
      resume(members, event)
      break
    case 'checked':
      members.learn({ checked: true })
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
  const next = Math.min(
    nextLinkChange(state),
    nextPutBack(state),
    state.members.next,
    state.renewal?.at ?? Number.POSITIVE_INFINITY,
  )
  return Number.isFinite(next) ? millis(next) : undefined
}

/** Whether a stopped engine has nothing left to wait for. */
export function isFinished({ stopped, members }: EngineState): boolean {
  return stopped && [...members.values()].every(({ keeps }) => keeps === undefined)
}

function deadline(members: Members, due: readonly string[]): void {
  const { now } = members
  leaveInTime(members, due)
  renewInTime(members)
  endRests(members, due)
  if (nextLinkChange(members.state()) <= now) followLinks(members)
  if (nextPutBack(members.state()) <= now) missRouting(members, [...members.state().absent])
  for (const member of members.find(due)) meetDeadline(members, member)
}

/** Routes and rules that are not there. */
function missRouting(members: Members, missing: readonly string[]): void {
  const { fights, effects } = putBack(members.state(), missing, members.now)
  members.learn({ fights, absent: new Set(missing) })
  members.putBack(effects)
}

function network(members: Members, interfaces: readonly Interface[]): void {
  const before = members.state().interfaces ?? []
  members.learn({ interfaces })
  followLinks(members)
  const lost = lostBy(members.state(), before)
  if (lost.length > 0) members.forget(lost)
  defend(members, before)
}

/** Those that a process before this one was master of, and that can take part, go on as masters. */
function adopt(members: Members, { masters, known }: Extract<Event, { type: 'adopt' }>): void {
  if (members.state().stopped) return
  const instances = [...members.all()].flatMap(({ config, departed }) => (departed ? [] : [config]))
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
