import type { InstanceSnapshot } from '../../control/snapshot.ts'
import { routerKey } from '../../vrrp/router.ts'
import type { Transition } from '../messages.ts'

/** The instances when one of them has entered another state. One that no report has named yet will be in the next. */
export function afterTransition(
  instances: readonly InstanceSnapshot[],
  { instance, to, reason, at }: Transition,
): readonly InstanceSnapshot[] {
  const since = new Date(at).toISOString()
  return instances.map((each) =>
    each.name === instance.name && routerKey(each) === routerKey(instance)
      ? { ...each, state: to, reason, since }
      : each,
  )
}
