import { after, type Millis, millis } from '../time.ts'
import { groupOf } from './group.ts'
import type { Members } from './members.ts'
import { lateReason, overtakenReason } from './reasons.ts'
import { type Master, type Member, timingOf } from './state.ts'
import { masterDownInterval } from './timers.ts'

/**
 * What a process that did not run for a while may still believe: it was frozen, its machine was paused, or others had the
 * processor. Peers have gone on meanwhile.
 */

/** Since when peers may have followed a master whose last advert was due then: the soonest of them waits for the down interval. */
function followedAt({ config }: Member, { advertiseAt }: Master): Millis {
  const { version, advertInt, election } = config
  const timing = { version, priority: election.highestOther, adverts: election.downTimerAdverts }
  return millis(advertiseAt - advertInt + masterDownInterval(timing, advertInt))
}

/**
 * Masters that have sent nothing for so long that somebody may have followed give up, with their groups, and say nothing: an advert
 * would win the role back from who has it, and the addresses would be on two hosts until then. The addresses stay until
 * a master is heard, as there may be none; that is, mostly, in what has waited in the socket. The owner has nobody to yield to.
 */
export function giveUpLate(members: Members): void {
  const { now } = members
  if (members.state().members.next > now) return
  for (const member of members.find(members.state().members.due(now))) {
    const { config, state } = member
    if (state.name !== 'master' || config.priority === 255 || now < followedAt(member, state)) continue
    if (state.yielding !== undefined) continue // it has fallen silent on purpose
    const reason = overtakenReason(millis(now - state.advertiseAt + config.advertInt))
    for (const each of members.find(groupOf(members.state(), config.name))) {
      if (each.state.name !== 'master') continue
      members.becomeBackup(each.config.name, reason)
      members.change(each.config.name, { keeps: { type: 'waiting' } })
    }
  }
}

/**
 * Whether the down timer of a group has ended so late that adverts may have passed unheard: a paused machine hears nothing. Then it has to be
 * listened for a whole down interval again; once, as a machine that is always late must be able to take over, too.
 */
export function mustListenAgain(members: Members, group: readonly string[], dueAt: number): boolean {
  const late = members.now - dueAt
  return [...members.find(group)].some(({ state }) => {
    return state.name === 'backup' && !state.listensAgain && late > state.masterInterval
  })
}

/** The down timers of a group begin again. */
export function listenAgain(members: Members, group: readonly string[], dueAt: number): void {
  const { now } = members
  for (const member of members.find(group)) {
    const { config, state } = member
    if (state.name !== 'backup') continue
    const masterDownAt = after(now, masterDownInterval(timingOf(member), state.masterInterval))
    const reason = lateReason(millis(now - dueAt))
    members.change(config.name, { state: { ...state, masterDownAt, listensAgain: true }, reason })
  }
}
