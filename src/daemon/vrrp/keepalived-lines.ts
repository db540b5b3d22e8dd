import { trackerKey } from '../../model/tracking.ts'
import { type Address, compareAddresses } from '../../net/address.ts'
import { groupNamed } from '../../vrrp/group.ts'
import type { EngineState, Member } from '../../vrrp/state.ts'

/** Lines of the log in keepalived's words, which people's alerts look for. The transitions themselves say theirs. */

/** What an advert means to an instance that has yet to act on it; once for all that come from the same router and say the same. */
export function advertLine(
  { config, priority: own, state, link }: Member,
  source: Address,
  priority: number,
): string | undefined {
  const name = `(${config.name})`
  switch (state.name) {
    case 'init':
    case 'fault':
      return undefined
    case 'backup': {
      const { heard } = state
      if (heard?.source === source && heard.priority === priority) return undefined
      if (priority === 0) return `${name} Backup received priority 0 advertisement`
      const isDiscarded = priority < own && config.preempt && config.preemptDelay === 0
      return isDiscarded
        ? `${name} received lower priority (${priority}) advert from ${source} - discarding`
        : undefined
    }
    case 'master': {
      const from = `${name} Master received advert from ${source} with`
      if (priority > own) return `${from} higher priority ${priority}, ours ${own}`
      const isGreater = priority === own && compareAddresses(source, link?.source ?? source) > 0
      return isGreater ? `${from} same priority ${priority} but higher IP address than ours` : undefined
    }
  }
}

/** Priorities that have changed while the instance stayed. */
export function priorityLines(before: EngineState, now: EngineState): readonly string[] {
  return [...now.members].flatMap(([name, { priority, config }]) => {
    const old = before.members.get(name)
    // Another priority in the file is no news to who has changed it.
    if (old === undefined || old.priority === priority || old.config.priority !== config.priority) return []
    return [`(${name}) Changing effective priority from ${old.priority} to ${priority}`]
  })
}

/** Groups all of whose members have come to one state. `moved`: the instances that are in another one. */
export function groupLines(moved: readonly string[], before: EngineState, now: EngineState): readonly string[] {
  const groups = new Set(moved.flatMap((name) => groupNamed(now.groups, name) ?? []))
  return [...groups].flatMap((group) => {
    const to = commonState(group.instances, now)
    if (to === undefined || to === 'init' || to === commonState(group.instances, before)) return []
    return [`VRRP_Group(${group.name}) Syncing instances to ${to.toUpperCase()} state`]
  })
}

function commonState(instances: readonly string[], { members }: EngineState) {
  const [first, ...rest] = instances.map((name) => members.get(name)?.state.name)
  return rest.every((state) => state === first) ? first : undefined
}

/** BFD sessions that are up or down by now, for each instance that tracks one. */
export function trackedBfdLines(before: EngineState, now: EngineState): readonly string[] {
  const known = (state: EngineState, key: string) => state.results.get(key)?.value.type
  return [...now.members.values()].flatMap(({ config, tracked }) =>
    tracked.flatMap((each) => {
      const key = trackerKey(each)
      if (each.kind !== 'bfd' || known(before, key) === known(now, key)) return []
      return [
        `VRRP_Instance(${config.name}) Tracked BFD instance ${each.name} is ${each.state === 'good' ? 'UP' : 'DOWN'}`,
      ]
    }),
  )
}
