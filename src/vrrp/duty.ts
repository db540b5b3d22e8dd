import type { FailedBack, HandedOver } from '../model/duty.ts'
import type { Address } from '../net/address.ts'
import { after } from '../time.ts'
import { groupOf, namesInGroup } from './group.ts'
import type { Members } from './members.ts'
import { type Backup, type EngineState, type Event, type Member, timingOf, type Yielding } from './state.ts'
import { masterDownInterval, yieldTimes } from './timers.ts'

/**
 * A planned hand-over, make before break:
 *
 *     this master                                     its peers
 *     ── priority 0 ────────────────────────────────► wait for their skew time (RFC 9568 §6.4.2)
 *     silent, but has the addresses, and serves
 *     ── priority 0 once more, as one may be lost ──►
 *     backup, the addresses go ◄───────── advert ──── the first one is master
 *
 * Where no advert comes it goes on as master, and says so.
 */
export function yieldRoles(members: Members, { instances, duty, force }: Extract<Event, { type: 'yield' }>): void {
  for (const group of groupsOf(members, instances)) {
    const times = yieldTimes(group.map(({ config }) => config.advertInt))
    for (const { config, state } of group) {
      if (state.name !== 'master') {
        if (duty === 'maintenance') members.change(config.name, { duty })
        members.say({ type: 'yielded', instance: config, result: { outcome: 'not-master' } })
        continue
      }
      members.farewell(config.name)
      const yielding: Yielding = {
        since: members.now,
        againAt: after(members.now, times.again),
        until: after(members.now, times.wait),
        duty,
        force,
      }
      members.update(config.name, (own) => ({ ...own, yielding }))
      members.change(config.name, { reason: 'is to hand over, and waits for a successor' })
    }
  }
}

/** One that waits for its successor: it says goodbye again, and ends the wait. */
export function waitForSuccessor(members: Members, { config }: Member, yielding: Yielding): void {
  const { name } = config
  if (members.now >= yielding.until) {
    if (yielding.force) {
      conclude(members, name, 'given-up')
      members.becomeBackup(name, 'given up, although nobody has taken over')
    } else goOn(members, name, 'nobody has taken over; master still')
  } else if (yielding.againAt !== undefined && members.now >= yielding.againAt) {
    members.farewell(name)
    members.update(name, (own) => ({ ...own, yielding: { ...yielding, againAt: undefined } }))
  }
}

/**
 * Another one that was master gives its role up as well: it will not follow, and each of the two would wait for the other. But who has to give
 * up in any case waits on.
 */
export function neverMind(members: Members, { config }: Member, { force }: Yielding, source: Address): void {
  if (force) return
  for (const { config: each, state } of members.find(groupOf(members.state(), config.name))) {
    if (state.name === 'master' && state.yielding !== undefined)
      goOn(members, each.name, `${source} gives its role up, too; master still`)
  }
}

/** What the instance waits for has come to an end. `to`: the successor's address. */
export function conclude(
  members: Members,
  name: string,
  outcome: 'given-up' | 'nobody' | { readonly to: string },
): void {
  const { config: instance, state } = members.get(name) ?? {}
  if (instance === undefined || state?.name !== 'master' || state.yielding === undefined) return
  const { since, duty } = state.yielding
  const ms = members.now - since
  const result: HandedOver =
    typeof outcome === 'string' ? { outcome, ms } : { outcome: 'handed-over', to: outcome.to, ms }
  members.update(name, (own) => ({ ...own, yielding: undefined }))
  if (outcome !== 'nobody') members.change(name, { duty })
  members.say({ type: 'yielded', instance, result })
}

function goOn(members: Members, name: string, reason: string): void {
  conclude(members, name, 'nobody')
  members.change(name, { reason })
  members.advertise(name)
}

/** Ends what `yieldRoles` has begun or done; with `take` as if the others had no right to their role but by priority. */
export function resume(members: Members, { instances, duty, take }: Extract<Event, { type: 'resume' }>): void {
  for (const group of groupsOf(members, instances)) {
    for (const { config, state } of group) {
      members.change(config.name, { duty })
      if (state.name === 'master' && state.yielding !== undefined) {
        goOn(members, config.name, 'is not to hand over any more')
      }
    }
    if (!take) continue
    const results = group.map((member) => ({ instance: member.config, result: failBack(member, members.now) }))
    const all = results.every(({ result }) => result.outcome === 'taken' || result.outcome === 'already-master')
    for (const { instance, result } of results) {
      const alone = !all && result.outcome === 'taken'
      const waits: FailedBack = { outcome: 'waits', reason: 'another member of its sync group cannot' }
      members.say({ type: 'resumed', instance, result: alone ? waits : result })
    }
    if (!all) continue
    for (const { config, state } of group) {
      if (state.name === 'backup') members.change(config.name, { state: { ...state, masterDownAt: members.now } })
    }
  }
}

/** What would come of an instance that is to be master again, by itself. */
function failBack(member: Member, now: number): FailedBack {
  const { state, reason } = member
  switch (state.name) {
    case 'master':
      return { outcome: 'already-master' }
    case 'init':
    case 'fault':
      return { outcome: 'waits', reason }
    case 'backup':
      return displaces(member, state, now)
  }
}

function displaces(member: Member, { heard, masterInterval }: Backup, now: number): FailedBack {
  const isFresh = heard !== undefined && now - heard.at < masterDownInterval(timingOf(member), masterInterval)
  if (!isFresh || heard.priority === 0) {
    return { outcome: 'waits', reason: 'no other master is heard: it is one when its down timer ends' }
  }
  if (heard.priority >= member.priority) return { outcome: 'outranked', by: heard.source, priority: heard.priority }
  return { outcome: 'taken' }
}

/** Why a backup does not displace a master of lower priority; undefined: it does. */
export function holdsBack({ config, duty }: Member, { checked }: EngineState): string | undefined {
  switch (duty) {
    case 'maintenance':
      return 'this node is in maintenance'
    case 'standby':
      return 'it was handed over'
    case 'normal':
      if (!config.preempt) return 'nopreempt is set'
      return config.preemptAfterChecks && !checked ? 'not all checks of this node have had a result' : undefined
  }
}

/** The groups of these instances, each once. */
function groupsOf(members: Members, names: readonly string[]): readonly (readonly Member[])[] {
  const { groups } = members.state()
  const seen = new Set<string>()
  return names.flatMap((name) => {
    if (seen.has(name)) return []
    const group = namesInGroup(groups, name)
    for (const each of group) seen.add(each)
    return [groupOf(members.state(), name).flatMap((each) => members.get(each) ?? [])]
  })
}
