import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type { EngineState, Member } from './state.ts'

/** Which instances belong together: the same router before and after a reload, and the members of a sync group. */

/** Whether two configurations are of one virtual router, as keepalived matches them at a reload. */
function sameRouter(a: VrrpInstance, b: VrrpInstance): boolean {
  return (
    a.vrid === b.vrid &&
    a.interface === b.interface &&
    a.version === b.version &&
    a.unicastPeers.length > 0 === b.unicastPeers.length > 0
  )
}

/**
 * The members that go on under a new configuration, by its instances' names. Of several with one VRID, whose peers
 * tell them apart, that of the same name goes first. Each goes on once.
 */
export function survivors(previous: readonly Member[], instances: readonly VrrpInstance[]): Map<string, Member> {
  const found = new Map<string, Member>()
  const free = new Set(previous)
  for (const byName of [true, false]) {
    for (const config of instances) {
      if (found.has(config.name)) continue
      const match = [...free].find(
        (member) => sameRouter(member.config, config) && (!byName || member.config.name === config.name),
      )
      if (match === undefined) continue
      found.set(config.name, match)
      free.delete(match)
    }
  }
  return found
}

/** The sync group of an instance, or undefined. */
export function groupNamed(groups: readonly SyncGroup[], instance: string): SyncGroup | undefined {
  return groups.find(({ instances }) => instances.includes(instance))
}

/** The members of an instance's sync group, which share their state; itself if it is in none. */
export function groupOf({ groups, members }: EngineState, name: string): readonly string[] {
  const all = groupNamed(groups, name)?.instances ?? [name]
  return all.filter((each) => members.has(each))
}

/** When every member of the instance's group has waited long enough; infinite while one is neither backup nor master. */
export function groupReadyAt(state: EngineState, name: string): number {
  return Math.max(
    ...groupOf(state, name).map((member) => {
      const own = state.members.get(member)?.state
      if (own?.name === 'backup') return own.masterDownAt
      return own?.name === 'master' ? 0 : Number.POSITIVE_INFINITY
    }),
  )
}
