import type { VrrpInstance } from '../model/vrrp.ts'
import { compareIpv4 } from '../net/ipv4.ts'
import { after, type Millis, millis } from '../time.ts'
import { groupOf, groupReadyAt, reasonInGroup } from './group.ts'
import { yieldAddresses } from './leave.ts'
import type { Members } from './members.ts'
import { backupReason, promotionReason, yieldReason } from './reasons.ts'
import { type Backup, type Event, type Master, type Member, timingOf } from './state.ts'
import { masterDownInterval, skewTime } from './timers.ts'

/** What adverts and time do to an instance. RFC 9568 §6.4.2 and §6.4.3. */

/** After a rival was heard, hosts may believe it: announce at once and at these times again, then after garp delay. */
const REPAIR_AFTER: readonly Millis[] = [millis(50), millis(200), millis(1000)]

type Advert = Extract<Event, { type: 'advert' }>

export function hearAdvert(members: Members, event: Advert): void {
  const member = members.get(event.instance)
  if (member === undefined) return
  if (event.priority > 0) yieldAddresses(members, member)
  switch (member.state.name) {
    case 'init':
    case 'fault':
      return
    case 'backup':
      advertToBackup(members, member, member.state, event)
      return
    case 'master':
      advertToMaster(members, member, member.state, event)
      return
  }
}

/** RFC 9568 §6.4.2, on an advertisement. */
function advertToBackup(members: Members, member: Member, own: Backup, event: Advert): void {
  const { now } = members
  const { config } = member
  const timing = timingOf(member)
  const { source, priority } = event
  const heard = { source, priority, at: now }
  const become = (change: Partial<Backup>) => {
    const next: Backup = { ...own, heard, introduceAt: [], ...change }
    const waitsUntil = next.preemptAt !== undefined && now < next.preemptAt ? next.preemptAt : undefined
    members.change(config.name, { state: next, reason: backupReason(member, source, priority, waitsUntil) })
  }
  if (priority === 0) {
    become({ masterDownAt: after(now, skewTime(timing, own.masterInterval)) })
    return
  }
  const masterInterval = event.interval
  const masterDownAt = after(now, masterDownInterval(timing, masterInterval))
  if (priority >= member.priority) {
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
    members.advertise(config.name)
    return
  }
  const order = compareIpv4(source, link?.source ?? source)
  if (priority > member.priority || (priority === member.priority && order > 0)) {
    const group = groupOf(members.state(), config.name)
    const reason = yieldReason(member, source, priority)
    // Two groups that each yield to one member of the other must not come back at the same time for ever.
    const wait = group.length > 1 && order > 0 ? interval : millis(0)
    for (const name of group) {
      const own = name === config.name
      const heard = own ? { source, priority, at: now } : undefined
      const why = own ? reason : reasonInGroup(members.state(), name, config.name, reason)
      members.becomeBackup(name, why, { masterInterval: own ? interval : undefined, heard, wait })
      // Whoever is to follow for the others has still to be heard.
      if (!own) members.change(name, { keeps: { type: 'waiting' } })
    }
    return
  }
  // Lower: answer at once, and win back the hosts that may have believed it.
  members.advertise(config.name)
  const [soonest = millis(0)] = REPAIR_AFTER
  if (own.rivalAt === undefined || now >= after(own.rivalAt, soonest)) {
    members.update(config.name, (state) => ({ ...state, rivalAt: now }))
    members.say({ type: 'rival', instance: config, source, priority, own: member.priority })
  }
  if (own.announceAt.some((at) => at <= after(now, soonest))) return // that is about to happen anyway
  const delays = [...REPAIR_AFTER, ...(config.garp.delay > 1000 ? [config.garp.delay] : [])]
  members.update(config.name, (state) => ({ ...state, announceAt: delays.map((delay) => after(now, delay)) }))
  members.announce(config)
}

/** What is due for an instance. Of a group that is ready all members move. */
export function meetDeadline(members: Members, member: Member): void {
  const { now } = members
  const { name } = member.config
  switch (member.state.name) {
    case 'init':
    case 'fault':
      return
    case 'master':
      masterDeadline(members, member.config, member.state)
      return
    case 'backup':
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
  members.becomeMaster(name, promotionReason(member, member.state, members.now))
}

function masterDeadline(members: Members, config: VrrpInstance, own: Master): void {
  const { now } = members
  if (own.advertiseAt <= now) members.advertise(config.name)
  if (own.announceAt.some((at) => at <= now)) {
    members.update(config.name, (state) => ({ ...state, announceAt: state.announceAt.filter((at) => at > now) }))
    members.announce(config)
  }
}
