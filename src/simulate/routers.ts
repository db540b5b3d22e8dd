import type { VrrpInstance } from '../model/vrrp.ts'
import { isAble, type Member } from '../vrrp/state.ts'
import { LINK_SETTLES } from '../vrrp/timers.ts'
import type { Router, Site } from './setup.ts'
import { LONGEST_TRIP } from './network.ts'
import { PROMPT } from './process.ts'

/** What the protocol allows a virtual router, in ms, by all the configurations that its directors may run. */
export interface Allowance {
  /**
   * How long two masters that hear each other may last. Each sends an advert every interval of its own at the latest. When the
   * one that is to stay does, the other one hears it a trip later and leaves at once (RFC 9568 §6.4.3): one interval of either,
   * the trip, and what the timer of the one and the processor of the other take.
   */
  readonly twoMasters: number
  /**
   * How long nobody needs to be master after the last thing that went wrong. The down timer of a backup that has heard a master
   * just before, by the longest interval L that any could have told it: 3 L (`down_timer_adverts`) and the skew, at most L or
   * (version 2) 1 s (§6.1). It may begin late: after a link that has just come up (LINK_SETTLES) or whose change is delayed (below
   * 2 L), after the start of a program (`vrrp_startup_delay`), or for a group that yielded (L). A group that yields to two others for different members begins again, at most twice.
   */
  readonly noMaster: number
  /**
   * How long the election may go on before the role stays where it is. At worst each director takes it from the one before, the
   * worst first: after its `preempt_delay`, and a down timer that no lower advert restarts.
   */
  readonly unrest: number
}

export function allowanceOf(site: Site, router: Router): Allowance {
  const isOf = (director: number) => (instance: VrrpInstance) =>
    router.instances.get(director)?.has(instance.name) === true
  const all = site.directors.flatMap(({ configs }, director) =>
    configs.flatMap(({ instances, syncGroups }) => {
      const own = instances.filter(isOf(director))
      const groups = syncGroups.filter((group) => own.some(({ name }) => group.instances.includes(name)))
      const mates = instances.filter(({ name }) => groups.some((group) => group.instances.includes(name)))
      return { own, mates, isGrouped: mates.length > 1 }
    }),
  )
  const longest = (of: (instance: VrrpInstance) => number) =>
    Math.max(0, ...all.flatMap(({ own, mates }) => [...own, ...mates]).map(of))
  const interval = Math.max(0, ...all.flatMap(({ own }) => own.map(({ advertInt }) => advertInt)))
  const down = longest(({ advertInt }) => advertInt)
  const adverts = longest(({ election }) => election.downTimerAdverts)
  const start = longest(({ election }) => election.startDelay)
  const delayed = site.directors.some(({ configs }) => configs.some(({ linkDelays }) => linkDelays.length > 0))
  const settling = LINK_SETTLES + (delayed ? 2 * down : 0) + start
  const once = (adverts + 1) * down + Math.max(down, 1000) + settling + LONGEST_TRIP + 2 * PROMPT
  const noMaster = all.some(({ isGrouped }) => isGrouped) ? 3 * once : once
  const delay = longest(({ preemptDelay }) => preemptDelay)
  return {
    twoMasters: interval + LONGEST_TRIP + 2 * PROMPT,
    noMaster,
    unrest: router.instances.size * (noMaster + delay),
  }
}

/** Whether a member, and with it its whole group, could be master now. */
export function isCandidate(member: Member, group: readonly Member[]): boolean {
  const canBegin = (each: Member) =>
    isAble(each) && each.duty !== 'maintenance' && each.tracked.every(({ consequence }) => consequence.type !== 'wait')
  return canBegin(member) && group.every(canBegin)
}
