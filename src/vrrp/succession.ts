import type { RouterIdentity, SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type { Millis } from '../time.ts'
import { namesInGroup } from './group.ts'
import { matchRouters } from './router.ts'
import { renewsAfter } from './lease.ts'
import type { InstanceState } from './state.ts'

/** What becomes of the masters of a vrrp process that has died. */
export interface Succession {
  /** They go on in the next process. */
  readonly adopted: readonly VrrpInstance[]
  /** To be given up at once, so that their peers take over after the skew time and not after the down interval. */
  readonly resigned: readonly VrrpInstance[]
}

/**
 * A master goes on if its peers, who wait for three intervals (`down_timer_adverts`) and the skew time, are still waiting when the next process
 * sends its first advert: `absence` after the last one of the process that has died, which may have been an interval
 * before its end, and if the kernel has not taken its addresses away by then. A group goes on, or is given up, as a whole.
 */
export function succession(
  { instances, groups }: { readonly instances: readonly VrrpInstance[]; readonly groups: readonly SyncGroup[] },
  before: readonly (RouterIdentity & { readonly state: InstanceState['name'] })[],
  absence: Millis,
): Succession {
  const matched = matchRouters(
    before.filter(({ state }) => state === 'master'),
    instances,
  )
  const masters = instances.filter(({ name }) => matched.has(name))
  const late = masters.filter(({ advertInt, election, lease }) => {
    return (election.downTimerAdverts - 1) * advertInt < absence || (lease > 0 && renewsAfter(lease) < absence)
  })
  const resigned = masters.filter(({ name }) => late.some((other) => namesInGroup(groups, name).includes(other.name)))
  return { adopted: masters.filter((each) => !resigned.includes(each)), resigned }
}
