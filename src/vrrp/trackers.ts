import { type Track, trackerKey } from '../model/tracking.ts'
import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type { Consequence, EngineState, Tracked, TrackedState } from './state.ts'

/** What trackers say, and what that comes to for an instance: as in keepalived 2.2.7. */

/** A number that takes so much from a priority is a fault. */
const FILE_FAULT = -254

/** What an instance hangs on, by itself and in its group, as it stands. */
export function trackedOf(config: VrrpInstance, state: Pick<EngineState, 'groups' | 'links' | 'results'>): Tracked[] {
  return tracksOf(config, state.groups).map((track) => {
    const value = stateOf(track, state)
    return { ...track, state: value, consequence: consequenceOf(track, value) }
  })
}

/**
 * Each once. What the group says of a weight counts, unless it decides about fault by itself. Its own interface an
 * instance watches in any case; without `trackPrimary` only where the group says so.
 */
function tracksOf(
  { name, interface: device, tracks, trackPrimary }: VrrpInstance,
  groups: readonly SyncGroup[],
): (Track & Pick<Tracked, 'from'>)[] {
  const isOwn = ({ kind, name: watched }: Track) => kind === 'interface' && watched === device
  const shared = (groups.find(({ instances }) => instances.includes(name))?.tracks ?? []).filter(
    (track) => !trackPrimary || !isOwn(track),
  )
  const own = tracks.filter(
    (track) =>
      !isOwn(track) && (track.weight === 0 || !shared.some((other) => trackerKey(other) === trackerKey(track))),
  )
  const taken = new Set(own.map(trackerKey))
  return [
    ...own.map((track) => ({ ...track, from: 'instance' as const })),
    ...shared.filter((track) => !taken.has(trackerKey(track))).map((track) => ({ ...track, from: 'group' as const })),
  ]
}

function stateOf(track: Track, { links, results }: Pick<EngineState, 'links' | 'results'>): TrackedState {
  if (track.kind === 'interface') {
    const link = links.get(track.name)
    if (link === undefined) return 'unknown'
    return link.state === 'up' ? 'good' : 'bad'
  }
  const value = results.get(trackerKey(track))?.value
  if (value === undefined) return 'unknown'
  return value.type === 'number' ? value.value : value.type
}

export function consequenceOf({ weight, reverse }: Track, state: TrackedState): Consequence {
  const direction = reverse ? -1 : 1
  if (state === 'unknown') return weight === 0 ? { type: 'wait' } : NOTHING
  if (weight === 0) {
    const good = typeof state === 'number' ? state === 0 : state === 'good'
    return good === reverse ? { type: 'fault' } : NOTHING
  }
  if (typeof state !== 'number') {
    return byWeight(direction * (state === 'good' ? Math.max(0, weight) : Math.min(0, weight)))
  }
  const by = direction * state * weight
  return by <= FILE_FAULT ? { type: 'fault' } : byWeight(Math.min(by, -FILE_FAULT))
}

const NOTHING: Consequence = { type: 'weight', by: 0 }

/** Without a negative zero. */
const byWeight = (by: number): Consequence => ({ type: 'weight', by: by === 0 ? 0 : by })

/**
 * The priority that is advertised and decides: the configured one with what the trackers add or take, within 1 to 254.
 * The owner of the addresses stays 255 (RFC 9568 §5.2.4), as in keepalived.
 */
export function effectivePriority(
  { priority }: Pick<VrrpInstance, 'priority'>,
  tracked: readonly Pick<Tracked, 'consequence'>[],
): number {
  if (priority === 255) return priority
  const sum = tracked.reduce((total, each) => total + weightOf(each.consequence), priority)
  return Math.min(254, Math.max(1, sum))
}

/** What it adds to the priority. */
export const weightOf = (consequence: Consequence): number => (consequence.type === 'weight' ? consequence.by : 0)
