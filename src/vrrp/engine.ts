import type { VrrpInstance } from '../model/vrrp.ts'
import { compareIpv4 } from '../net/ipv4.ts'
import { after, type Millis, millis } from '../time.ts'
import { configure, settleGroups } from './configure.ts'
import { followLinks } from './follow-links.ts'
import { stolenFrom } from './holdings.ts'
import { leaveInTime, stop, yieldAddresses } from './leave.ts'
import { Members } from './members.ts'
import { backupReason, promotionReason, yieldReason } from './reasons.ts'
import { groupOf, groupReadyAt } from './routers.ts'
import {
  type Backup,
  type EngineState,
  type Event,
  type Interface,
  isUsable,
  type Master,
  type Member,
  type Step,
} from './state.ts'
import { masterDownInterval, skewTime } from './timers.ts'

/** After a rival was heard, hosts may believe it: announce at once and at these times again, then after garp delay. */
const REPAIR_AFTER: readonly Millis[] = [millis(50), millis(200), millis(1000)]

/** Advances the election by one event. RFC 9568 §6.4. */
export function step(state: EngineState, event: Event, now: Millis): Step {
  const members = new Members(state, now)
  switch (event.type) {
    case 'configure':
      configure(members, event.instances, event.groups, event.remembered ?? [])
      break
    case 'network':
      network(members, event.interfaces)
      break
    case 'advert':
      advert(members, event)
      break
    case 'adopt':
      adopt(members, event)
      break
    case 'deadline':
      deadline(members)
      break
    case 'stop':
      stop(members, event.keepAddresses)
      break
  }
  return members.result()
}

/** When `deadline` is due, or undefined when nothing waits for time. */
export function nextDeadline(state: EngineState): Millis | undefined {
  let next = Number.POSITIVE_INFINITY
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
  members.learn(interfaces)
  followLinks(members)
  const stolen = stolenFrom(members.state())
  if (stolen.length > 0) members.emit({ type: 'restore', addresses: stolen })
}

function adopt(members: Members, { instances, known }: Extract<Event, { type: 'adopt' }>): void {
  for (const name of instances) {
    if (isUsable(members.get(name)?.link)) members.becomeMaster(name, 'adopted after a restart of the vrrp process')
  }
  settleGroups(members)
  for (const { name, state, reason } of known) {
    if (members.get(name)?.state.name === state) members.change(name, { reason })
  }
}

type Advert = Extract<Event, { type: 'advert' }>

function advert(members: Members, event: Advert): void {
  const member = members.get(event.instance)
  if (member === undefined) return
  if (event.priority > 0) yieldAddresses(members, member)
  switch (member.state.name) {
    case 'init':
    case 'fault':
      return
    case 'backup':
      advertToBackup(members, member.config, member.state, event)
      return
    case 'master':
      advertToMaster(members, member, member.state, event)
      return
  }
}

/** RFC 9568 §6.4.2, on an advertisement. */
function advertToBackup(members: Members, config: VrrpInstance, own: Backup, event: Advert): void {
  const { now } = members
  const { source, priority } = event
  const heard = { source, priority, at: now }
  const become = (change: Partial<Backup>) => {
    const next: Backup = { ...own, heard, introduceAt: [], ...change }
    const waitsUntil = next.preemptAt !== undefined && now < next.preemptAt ? next.preemptAt : undefined
    members.change(config.name, { state: next, reason: backupReason(config, source, priority, waitsUntil) })
  }
  if (priority === 0) {
    become({ masterDownAt: after(now, skewTime(config, own.masterInterval)) })
    return
  }
  const masterInterval = event.interval
  const masterDownAt = after(now, masterDownInterval(config, masterInterval))
  if (priority >= config.priority) {
    become({ masterDownAt, masterInterval, preemptAt: undefined })
  } else if (!config.preempt) {
    become({ masterDownAt, masterInterval })
  } else if (config.preemptDelay === 0) {
    become({}) // discarded: the timer goes on
  } else {
    const preemptAt = own.preemptAt ?? after(now, config.preemptDelay)
    become(now < preemptAt ? { masterDownAt, masterInterval, preemptAt } : {})
  }
}

/** RFC 9568 §6.4.3, on an advertisement. */
function advertToMaster(members: Members, member: Member, own: Master, event: Advert): void {
  const { now } = members
  const { config, link } = member
  const { source, priority, interval } = event
  if (priority === 0) {
    members.advertise(config.name, config.priority)
    return
  }
  const order = compareIpv4(source, link?.source ?? source)
  if (priority > config.priority || (priority === config.priority && order > 0)) {
    const group = groupOf(members.state(), config.name)
    const reason = yieldReason(config, source, priority)
    // Two groups that each yield to one member of the other must not come back at the same time for ever.
    const wait = group.length > 1 && order > 0 ? interval : millis(0)
    for (const name of group) {
      const own = name === config.name
      const heard = own ? { source, priority, at: now } : undefined
      const why = own ? reason : members.inGroup(name, config.name, reason)
      members.becomeBackup(name, why, { masterInterval: own ? interval : undefined, heard, wait })
      // Whoever is to follow for the others has still to be heard.
      if (!own) members.change(name, { keeps: { type: 'waiting' } })
    }
    return
  }
  // Lower: answer at once, and win back the hosts that may have believed it.
  members.advertise(config.name, config.priority)
  const [soonest = millis(0)] = REPAIR_AFTER
  if (own.announceAt.some((at) => at <= after(now, soonest))) return // that is about to happen anyway
  const delays = [...REPAIR_AFTER, ...(config.garp.delay > 1000 ? [config.garp.delay] : [])]
  members.update(config.name, (state) => ({ ...state, announceAt: delays.map((delay) => after(now, delay)) }))
  members.emit({ type: 'rival', instance: config, source, priority })
  members.announce(config)
}

function deadline(members: Members): void {
  const { now } = members
  leaveInTime(members)
  for (const member of members.all()) {
    const { name } = member.config
    if (member.state.name === 'master') masterDeadline(members, member.config, member.state)
    if (member.state.name !== 'backup') continue
    if (groupReadyAt(members.state(), name) <= now) {
      // RFC 9568 §6.4.2: the Active_Down_Timer fires.
      for (const each of groupOf(members.state(), name)) promote(members, each)
    } else if (member.state.introduceAt.some((at) => at <= now)) {
      const introduceAt = member.state.introduceAt.filter((at) => at > now)
      members.change(name, { state: { ...member.state, introduceAt } })
      members.introduce(name)
    }
  }
}

function promote(members: Members, name: string): void {
  const member = members.get(name)
  if (member?.state.name !== 'backup') return
  members.becomeMaster(name, promotionReason(member.config, member.state, members.now))
}

function masterDeadline(members: Members, config: VrrpInstance, own: Master): void {
  const { now } = members
  if (own.advertiseAt <= now) members.advertise(config.name, config.priority)
  if (own.announceAt.some((at) => at <= now)) {
    members.update(config.name, (state) => ({ ...state, announceAt: state.announceAt.filter((at) => at > now) }))
    members.announce(config)
  }
}
