import type { FileTracker, LinkDelay, ProcessTracker, ScriptTracker, Track, Trackers } from '../../model/tracking.ts'
import { millis, seconds } from '../../time.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import { isForVrrp } from './bfd.ts'
import { hasOwner, type TrackLine, trackLines, weightlessAs, withoutWeight } from '../effective-weights.ts'
import { commandOf } from './command.ts'

/** What an instance hangs on by itself. The rules say to who wrote them which weights do not count. */
export function instanceTracks(instance: InstanceSettings, settings: Settings): readonly Track[] {
  const why = weightlessAs(instance, settings)
  return trackLines(instance, settings).flatMap((line) => {
    const counts = why === undefined ? 'as it is' : withoutWeight(line, why)
    return counts === 'nothing' ? [] : trackOf(counts === 'fault' ? { ...line, weight: 0 } : line, settings)
  })
}

/** What every member of a sync group hangs on. */
export function groupTracks(group: Settings['vrrp_sync_group'][number], settings: Settings): readonly Track[] {
  const weightless = hasOwner(group, settings)
  return trackLines(group, settings).flatMap((line) => trackOf(weightless ? { ...line, weight: 0 } : line, settings))
}

/** What is for checkers only is not tracked, as the rules say. */
function trackOf({ kind, said: { name }, weight, reverse }: TrackLine, settings: Settings): Track[] {
  const session = kind === 'bfd' && settings.bfd_instance.find(({ id }) => id === name)
  return session !== false && session !== undefined && !isForVrrp(session) ? [] : [{ kind, name, weight, reverse }]
}

/** Everything that some instance or group tracks, to some effect, and the files that checkers name. */
export function trackersOf(settings: Settings): Trackers {
  const tracks = [
    ...settings.vrrp_instance.flatMap((instance) => instanceTracks(instance, settings)),
    ...settings.vrrp_sync_group.flatMap((group) => groupTracks(group, settings)),
  ]
  const tracked = (kind: Track['kind']) => new Set(tracks.flatMap((track) => (track.kind === kind ? track.name : [])))
  const checkers = settings.virtual_server.flatMap(({ real_server: servers }) => servers.map((each) => each.FILE_CHECK))
  const [scripts, processes] = [tracked('script'), tracked('process')]
  const files = new Set([...tracked('file'), ...checkers.flat().flatMap(({ track_file: name }) => name ?? [])])
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

/** `quorum_max 0` alone says that there must be none; otherwise one below the quorum does not count, as the rules say. */
function processTracker(block: Settings['vrrp_track_process'][number]): ProcessTracker[] {
  if (block.process === undefined) return []
  const { process: command, param_match: match, quorum, quorum_max: most } = block
  const parameters = match === undefined ? (command.length > 1 ? 'equal' : 'ignored') : (match.how ?? 'equal')
  return [
    {
      name: block.id,
      command,
      parameters,
      fullCommand: block.full_command || parameters !== 'ignored',
      ...(most === 0 && quorum === 1
        ? { quorum: 0, quorumMax: 0 }
        : { quorum, quorumMax: most === undefined || most < quorum ? undefined : most }),
      terminateDelay: block.terminate_delay ?? block.delay ?? millis(0),
      forkDelay: block.fork_delay ?? block.delay ?? millis(0),
    },
  ]
}

/** One number is for both. */
export function linkDelaysOf({ interface_up_down_delays: lines }: Settings): readonly LinkDelay[] {
  return lines.map(({ interface: device, down, up }) => ({ interface: device, down, up: up ?? down }))
}
