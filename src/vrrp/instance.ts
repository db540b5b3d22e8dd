import { type Address, compareAddresses } from '../net/address.ts'
import { after, type Millis, millis } from '../time.ts'
import { conclude, holdsBack, neverMind, waitForSuccessor } from './duty.ts'
import { groupOf, readyAt, reasonInGroup } from './group.ts'
import { listenAgain, mustListenAgain } from './late.ts'
import { yieldAddresses } from './leave.ts'
import type { Members } from './members.ts'
import { backupReason, promotionReason, yieldReason } from './reasons.ts'
import { addressesOf, type Backup, type Event, type Master, type Member, timingOf } from './state.ts'
import { startsAt } from './start.ts'
import { doubtInterval, learnedInterval, masterDownInterval, skewTime } from './timers.ts'

/** What adverts and time do to an instance. RFC 9568 §6.4.2 and §6.4.3. */

/** After a rival was heard, hosts may believe it: announce at once and at these times again, then after the delay that is configured. */
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
  const { source, priority, interval } = event
  const at = millis(Math.min(now, event.receivedAt ?? now))
  const heard = { source, priority, interval, at }
  const held = holdsBack(member, members.state())
  const begins = startsAt(members.state(), config)
  const waited = (time: Millis) => millis(Math.max(begins, after(at, time)))
  const become = (change: Partial<Backup>) => {
    const next: Backup = { ...own, heard, introduceAt: [], listensAgain: false, ...change }
    const waitsUntil = next.preemptAt !== undefined && now < next.preemptAt ? next.preemptAt : undefined
    members.change(config.name, { state: next, reason: backupReason(member, source, priority, held, waitsUntil) })
  }
  if (priority === 0) {
    become({ masterDownAt: waited(skewTime(timing, own.masterInterval)) })
    return
  }
  const again = own.heard?.source === source && own.heard.interval === interval
  const masterInterval = learnedInterval(config.advertInt, interval, again)
  const masterDownAt = waited(masterDownInterval(timing, masterInterval))
  if (priority >= member.priority) {
    become({ masterDownAt, masterInterval, preemptAt: undefined })
  } else if (held !== undefined) {
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
  const { advertInt, election } = config
  const isDeaf = config.priority === 255 && election.ownerIgnoresAdverts
  if (priority === 0) {
    if (isDeaf) return
    if (own.yielding === undefined) members.advertise(config.name)
    else neverMind(members, member, own.yielding, source)
    return
  }
  const isYielding = own.yielding !== undefined
  const order = compareAddresses(source, link?.source ?? source)
  const isOutranked = !isDeaf && (priority > member.priority || (priority === member.priority && order > 0))
  if (isYielding || isOutranked) {
    // Taken for dead, it may have heard nothing of this turn, and then does not win back the hosts that have.
    const tells = hasFollowed(own, source)
    const group = groupOf(members.state(), config.name)
    const reason = isYielding ? `handed over to ${source}` : yieldReason(member, source, priority)
    // Two groups that each yield to one member of the other must not come back at the same time for ever.
    const wait = group.length > 1 && order > 0 ? millis(Math.min(interval, advertInt)) : millis(0)
    // Heard a second time, before and after a turn of ours that came of the doubt: else the role would move on and on.
    const before = own.heard
    const again = before?.source === source && before.interval === interval && now - before.at < 2 * interval
    const masterInterval = learnedInterval(advertInt, interval, again)
    for (const name of group) {
      const own = name === config.name
      if (tells || (own && election.advertBeforeYielding)) members.advertise(name)
      const heard = own ? { source, priority, interval, at: now } : undefined
      const until = interval > advertInt && !again ? doubtUntil(members, name) : undefined
      const why = own ? reason : reasonInGroup(members.state(), name, config.name, reason)
      conclude(members, name, { to: source })
      members.becomeBackup(name, why, { masterInterval: own ? masterInterval : undefined, heard, wait, until })
      // Whoever is to follow for the others has still to be heard.
      if (!own) members.change(name, { keeps: { type: 'waiting' } })
    }
    return
  }
  // One that says what we say is a second host with our address, or our own advert that a switch sends back: no answer would end it.
  const isOurs = priority === member.priority && order === 0
  // Lower: answer at once, and win back the hosts that may have believed it.
  if (election.answersLower && !isDeaf && !isOurs) members.advertise(config.name)
  if (hasFollowed(own, source) && now < after(own.since, interval)) return // the last word of the one before
  findDual(members, member, event)
  // Nobody is to point at the loser for more than an interval.
  const soonest = millis(Math.min(config.advertInt, ...REPAIR_AFTER))
  if (own.rivalAt === undefined || now >= after(own.rivalAt, soonest)) {
    members.update(config.name, (state) => ({ ...state, rivalAt: now }))
    members.say({ type: 'rival', instance: config, source, priority, own: member.priority })
  }
  if (own.announceAt.some((at) => at <= after(now, soonest))) return // that is about to happen anyway
  const { lowerDelay, lowerRepeat } = config.garp
  const delays = new Set([soonest, ...REPAIR_AFTER, ...(lowerDelay > 1000 ? [lowerDelay] : [])])
  members.update(config.name, (state) => ({ ...state, announceAt: [...delays].map((delay) => after(now, delay)) }))
  members.announce(config, lowerRepeat)
}

/** Whether this router was the last that was heard before the own turn as master, and had not given its role up. */
const hasFollowed = ({ heard }: Master, source: Address) => heard?.source === source && heard.priority > 0

function doubtUntil(members: Members, name: string): Millis | undefined {
  const member = members.get(name)
  return member && after(members.now, doubtInterval(timingOf(member), member.config.advertInt))
}

/** Another one is master, too, until it has missed two adverts. */
function findDual(members: Members, { config, dual }: Member, { source, priority, interval }: Advert): void {
  const { now } = members
  const until = after(now, millis(2.5 * learnedInterval(config.advertInt, interval, false)))
  members.change(config.name, { dual: { source, priority, since: dual?.since ?? now, heardAt: now, until } })
}

/** What is due for an instance. Of a group that is ready all members move. */
export function meetDeadline(members: Members, member: Member): void {
  const { now } = members
  const { name } = member.config
  const group = groupOf(members.state(), name)
  const ready = readyAt(members.state(), group)
  switch (member.state.name) {
    case 'init':
    case 'fault':
      return
    case 'master':
      if (member.dual !== undefined && member.dual.until <= now) members.change(name, { dual: undefined })
      masterDeadline(members, member, member.state)
      return
    case 'backup':
      if (member.state.masterDownAt <= now && ready <= now) {
        // RFC 9568 §6.4.2: the Active_Down_Timer fires.
        if (mustListenAgain(members, group, ready)) listenAgain(members, group, ready)
        else for (const each of group) promote(members, each)
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

function masterDeadline(members: Members, member: Member, own: Master): void {
  const { now } = members
  const { config } = member
  const { name, garp } = config
  if (own.yielding !== undefined) waitForSuccessor(members, member, own.yielding)
  else if (own.advertiseAt <= now) members.advertise(name)
  if (own.announceAt.some((at) => at <= now)) {
    members.update(name, (state) => ({ ...state, announceAt: state.announceAt.filter((at) => at > now) }))
    members.announce(config, own.rivalAt === undefined ? garp.repeat : garp.lowerRepeat)
  }
  if (own.refreshAt !== undefined && own.refreshAt <= now) {
    members.update(name, (state) => ({ ...state, refreshAt: after(now, garp.refresh) }))
    members.announce(config, garp.refreshRepeat)
  }
  if (own.extraAt !== undefined && own.extraAt <= now && garp.extra !== undefined) {
    const { every, all } = garp.extra
    members.update(name, (state) => ({ ...state, extraAt: after(now, every) }))
    const elsewhere = addressesOf(config).filter(({ device }) => all || device !== config.interface)
    if (elsewhere.length > 0) members.announce(config, 1, elsewhere)
  }
}
