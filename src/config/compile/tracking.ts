import type { FileTracker, LinkDelay, ProcessTracker, ScriptTracker, Track, Trackers } from '../../model/tracking.ts'
import { millis, seconds } from '../../time.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import type { Tracked } from '../keywords/tracking.ts'
import type { TrackWeight } from '../schema/values.ts'
import { commandOf } from './command.ts'

type Tracking = Pick<InstanceSettings, 'track_interface' | 'track_script' | 'track_file' | 'track_process'>

/** What an instance or a sync group hangs on: each once, the first one counts. */
export function tracksOf(block: Tracking, settings: Settings): readonly Track[] {
  return [
    ...tracks('interface', block.track_interface, () => undefined),
    ...tracks('script', block.track_script, weightIn(settings.vrrp_script)),
    // A number counts as it is, unless the file says otherwise.
    ...tracks('file', block.track_file, weightIn(settings.track_file), 1),
    ...tracks('process', block.track_process, weightIn(settings.vrrp_track_process)),
  ]
}

/**
 * What a member of a sync group hangs on by itself. Without `sync_group_tracking_weight` keepalived drops the weights of
 * members: an interface decides about fault then, everything else has no effect. The rules say so to who wrote them.
 */
export function memberTracksOf(block: Tracking, settings: Settings): readonly Track[] {
  return tracksOf(block, settings).flatMap((track) => {
    if (track.weight === 0) return [track]
    return track.kind === 'interface' || track.kind === 'file' ? [{ ...track, weight: 0 }] : []
  })
}

type WeightOf = (name: string) => TrackWeight | undefined

const weightIn =
  (blocks: readonly { readonly id: string; readonly weight: TrackWeight | undefined }[]): WeightOf =>
  (name) =>
    blocks.find(({ id }) => id === name)?.weight

function tracks(kind: Track['kind'], tracked: readonly Tracked[], weightOf: WeightOf, otherwise = 0): Track[] {
  const found = new Map<string, Track>()
  for (const { name, weight: own } of tracked) {
    const { weight = otherwise, reverse = false } = own ?? weightOf(name) ?? {}
    if (!found.has(name)) found.set(name, { kind, name, weight, reverse })
  }
  return [...found.values()]
}

/** Everything that some instance or group tracks, and the files that a FILE_CHECK is about. */
export function trackersOf(settings: Settings): Trackers {
  const blocks = [...settings.vrrp_instance, ...settings.vrrp_sync_group]
  const tracked = (keyword: 'track_script' | 'track_file' | 'track_process') =>
    new Set(blocks.flatMap((block) => block[keyword].map(({ name }) => name)))
  const [scripts, files, processes] = [tracked('track_script'), tracked('track_file'), tracked('track_process')]
  return {
    scripts: settings.vrrp_script.filter(({ id }) => scripts.has(id)).flatMap(scriptTracker),
    files: settings.track_file.filter(({ id }) => files.has(id)).flatMap(fileTracker),
    processes: settings.vrrp_track_process.filter(({ id }) => processes.has(id)).flatMap(processTracker),
  }
}

function scriptTracker(block: Settings['vrrp_script'][number]): ScriptTracker[] {
  if (block.script === undefined) return []
  const interval = block.interval ?? seconds(1)
  const command = commandOf(block.script)
  const { user } = block
  return [
    {
      name: block.id,
      command: command.user === undefined && user !== undefined ? { ...command, ...user } : command,
      interval,
      timeout: block.timeout ?? interval,
      rise: block.rise,
      fall: block.fall,
      initFail: block.init_fail,
    },
  ]
}

function fileTracker({ id, file, init_file: init }: Settings['track_file'][number]): FileTracker[] {
  if (file === undefined) return []
  return [{ name: id, path: file, init: init && { value: init.value ?? 0, overwrite: init.overwrite } }]
}

function processTracker(block: Settings['vrrp_track_process'][number]): ProcessTracker[] {
  if (block.process === undefined) return []
  const parameters = block.process.length > 1 ? 'equal' : 'ignored'
  return [
    {
      name: block.id,
      command: block.process,
      parameters: block.param_match === undefined ? parameters : (block.param_match.how ?? 'equal'),
      fullCommand: block.full_command,
      quorum: block.quorum,
      quorumMax: block.quorum_max,
      terminateDelay: block.terminate_delay ?? block.delay ?? millis(0),
      forkDelay: block.fork_delay ?? block.delay ?? millis(0),
    },
  ]
}

/** One number is for both. */
export function linkDelaysOf({ interface_up_down_delays: lines }: Settings): readonly LinkDelay[] {
  return lines.map(({ interface: device, down, up }) => ({ interface: device, down, up: up ?? down }))
}
