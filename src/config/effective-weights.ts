import type { TrackerKind } from '../model/tracking.ts'
import type { InstanceSettings, Settings } from './keywords/root.ts'
import type { Tracked } from './keywords/tracking.ts'
import type { TrackWeight } from './schema/values.ts'

/** Which weights of trackers count, and as what: as in keepalived 2.2.7, which drops some of them without a word. */

type Tracking = Pick<
  InstanceSettings,
  'track_interface' | 'track_script' | 'track_file' | 'track_process' | 'track_bfd'
>
type SyncGroupSettings = Settings['vrrp_sync_group'][number]

/** A line of a `track_…` block, with the weight that it gets from the tracker's own block when it says none. */
export interface TrackLine extends TrackWeight {
  readonly kind: TrackerKind
  readonly said: Tracked
}

/** What an instance or a sync group tracks: each once, the first one counts. */
export function trackLines(block: Tracking, settings: Settings): readonly TrackLine[] {
  return [
    ...lines('interface', block.track_interface, () => undefined),
    ...lines('script', block.track_script, weightIn(settings.vrrp_script)),
    // A number counts as it is, unless the file says otherwise.
    ...lines('file', block.track_file, weightIn(settings.track_file), 1),
    ...lines('process', block.track_process, weightIn(settings.vrrp_track_process)),
    ...lines('bfd', block.track_bfd, weightIn(settings.bfd_instance)),
  ]
}

type WeightOf = (name: string) => TrackWeight | undefined

const weightIn =
  (blocks: readonly { readonly id: string; readonly weight: TrackWeight | undefined }[]): WeightOf =>
  (name) =>
    blocks.find(({ id }) => id === name)?.weight

function lines(kind: TrackLine['kind'], tracked: readonly Tracked[], weightOf: WeightOf, otherwise = 0): TrackLine[] {
  const found = new Map<string, TrackLine>()
  for (const said of tracked) {
    const { weight = otherwise, reverse = false } = said.weight ?? weightOf(said.name) ?? {}
    if (!found.has(said.name)) found.set(said.name, { kind, said, weight, reverse })
  }
  return [...found.values()]
}

/** Why the weights of an instance's own trackers do not count: it is a member of a sync group, or owns the addresses. */
export function weightlessAs(instance: InstanceSettings, settings: Settings): 'member' | 'owner' | undefined {
  const group = settings.vrrp_sync_group.find(({ group: members }) => members.some(({ name }) => name === instance.id))
  if (group !== undefined && !group.sync_group_tracking_weight && !group.global_tracking) return 'member'
  return instance.priority === 255 ? 'owner' : undefined
}

/** Of the group's trackers no weight counts while a member owns the addresses: each decides about fault. */
export function hasOwner({ group }: SyncGroupSettings, { vrrp_instance: instances }: Settings): boolean {
  return instances.some(({ id, priority }) => priority === 255 && group.some(({ name }) => name === id))
}

/** What becomes of a line whose weight does not count: it decides about fault, or has no effect at all. */
export function withoutWeight({ kind, weight }: TrackLine, why: 'member' | 'owner'): 'as it is' | 'fault' | 'nothing' {
  if (weight === 0) return 'as it is'
  switch (kind) {
    case 'interface':
      return why === 'member' ? 'fault' : 'nothing'
    case 'file':
      return weight === 1 ? 'fault' : 'nothing'
    case 'process':
      return 'as it is'
    case 'script':
    case 'bfd':
      return 'nothing'
  }
}
