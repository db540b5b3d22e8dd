import { compareIpv4, type Ipv4 } from '../../net/ipv4.ts'
import type { EngineState, Member } from '../../vrrp/state.ts'

/** Lines of the log in keepalived's words, which people's alerts look for. The transitions themselves say theirs. */

/** What an advert means to an instance that has yet to act on it; once for all that come from the same router and say the same. */
export function advertLine(
  { config, priority: own, state, link }: Member,
  source: Ipv4,
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
      const isGreater = priority === own && compareIpv4(source, link?.source ?? source) > 0
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

/** Groups all of whose members have come to one state. */
export function groupLines(before: EngineState, now: EngineState): readonly string[] {
  return now.groups.flatMap((group) => {
    const to = commonState(group.instances, now)
    if (to === undefined || to === 'init' || to === commonState(group.instances, before)) return []
    return [`VRRP_Group(${group.name}) Syncing instances to ${to.toUpperCase()} state`]
  })
}

function commonState(instances: readonly string[], { members }: EngineState) {
  const [first, ...rest] = instances.map((name) => members.get(name)?.state.name)
  return rest.every((state) => state === first) ? first : undefined
}
