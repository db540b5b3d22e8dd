import type { Daemon, Undo } from '../daemons/daemon.ts'
import type { Place } from '../place.ts'
import { changed, ran, type Stage } from '../stage.ts'
import type { Performs } from './perform.ts'
import type { DirectorName } from '../../drill/recording.ts'
import type { DirectorWord, ProcessWord } from '../../drill/language/words.ts'

/** Throws when none of them runs: a step that does nothing shows nothing. */
async function pidsOf(stage: Stage, name: DirectorName, process: ProcessWord): Promise<readonly number[]> {
  const pids = await stage.daemons[name].pids(process)
  if (pids.length === 0) throw new Error(`${name} has no process ${process} that runs`)
  return pids
}

/** For each director, side by side. */
async function each(
  stage: Stage,
  word: DirectorWord | 'both',
  act: (name: DirectorName, daemon: Daemon) => Promise<void>,
): Promise<void> {
  await Promise.all(stage.namesOf(word).map((name) => act(name, stage.daemons[name])))
}

/** The undo of what ends a daemon, kept before that is done. */
async function startAgain(stage: Stage, name: DirectorName, daemon: Daemon): Promise<Undo> {
  const start = async () => {
    if (!(await daemon.isRunning())) await daemon.start()
  }
  return await stage.leaveAt(stage.site.directors[name].place, daemon.undoCommands?.start, {
    text: `start the daemon of ${name}`,
    run: () => start().then(() => undefined),
    // What works by now has answered.
    afterwards: start,
  })
}

const signal = (name: string, pids: readonly number[]) => ['kill', `-${name}`, ...pids.map(String)]
/** Some of them may have ended. */
const goOn = (pids: readonly number[]) => [
  'sh',
  '-c',
  'for pid; do kill -CONT "$pid" 2>/dev/null; done; :',
  'sh',
  ...pids.map(String),
]

/** How a command is run as the user of a process: the limits of one that has given its rights away even root may not set everywhere. */
async function asOwnerOf(place: Place, pid: number): Promise<readonly string[]> {
  const ids = await ran(place, ['sed', '-n', String.raw`s/^[UG]id:\s*\([0-9]*\).*/\1/p`, `/proc/${pid}/status`])
  const [uid, gid] = ids.trim().split('\n')
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
}

export const DAEMON_STEPS: Performs<
  | 'start'
  | 'stop'
  | 'kill'
  | 'release'
  | 'freeze'
  | 'thaw'
  | 'starve'
  | 'feed'
  | 'limit files'
  | 'block log'
  | 'unblock log'
> = {
  start: (stage, { of }) =>
    each(stage, of, async (name, daemon) => {
      await daemon.start()
      await stage.takeBack(`running ${name}`)
    }),
  stop: (stage, { of }) =>
    each(stage, of, async (name, daemon) => {
      stage.keep(`running ${name}`, await startAgain(stage, name, daemon))
      await daemon.stop()
    }),
  kill: (stage, { of, process }) =>
    each(stage, of, async (name, daemon) => {
      const pids = await pidsOf(stage, name, process)
      stage.keep(`running ${name}`, await startAgain(stage, name, daemon))
      await changed(stage.site.directors[name].place, signal('KILL', pids))
    }),
  release: (stage, { of }) =>
    each(stage, of, async (_, daemon) => {
      await daemon.release()
    }),
  freeze: (stage, { of, process, for: duration }) =>
    each(stage, of, async (name) => {
      const pids = await pidsOf(stage, name, process)
      const undo = await stage.act(stage.site.directors[name].place, {
        text: `freeze ${process} of ${name}`,
        act: signal('STOP', pids),
        undo: goOn(pids),
      })
      stage.keep(`freeze ${name}`, undo)
      if (duration === undefined) return
      await stage.pause(duration)
      await stage.takeBack(`freeze ${name}`)
    }),
  thaw: (stage, { of }) => each(stage, of, (name) => stage.takeBack(`freeze ${name}`)),
  starve: (stage, { of, to }) =>
    each(stage, of, async (name) => {
      const pids = await pidsOf(stage, name, 'all')
      const throttle = await stage.site.directors[name].place.work('throttle', [String(to), ...pids.map(String)])
      const undo = stage.leave({ text: `feed ${name}`, run: () => throttle.end().then(() => undefined) })
      stage.keep(`starve ${name}`, undo)
    }),
  feed: (stage, { of }) => each(stage, of, (name) => stage.takeBack(`starve ${name}`)),
  'limit files': (stage, { of, to }) =>
    each(stage, of, async (name) => {
      const { place } = stage.site.directors[name]
      for (const pid of await pidsOf(stage, name, 'all')) {
        const asOwner = await asOwnerOf(place, pid)
        const options = ['--noheadings', '--raw', '--nofile', '--output', 'SOFT,HARD']
        const found = await ran(place, [...asOwner, 'prlimit', '--pid', String(pid), ...options])
        const [soft, hard] = found.trim().split(/\s+/)
        const set = (value: string) => [...asOwner, 'prlimit', '--pid', String(pid), `--nofile=${value}`]
        const text = `limit the files of process ${pid} of ${name}`
        // A process may have gone when its limit would be set back: it has none then.
        const ifThere = ['sh', '-c', `kill -0 ${pid} 2>/dev/null || exit 0; exec "$@"`, 'sh']
        const act = set(`${to}:${hard}`)
        const undo = [...ifThere, ...set(`${soft}:${hard}`)]
        stage.keep(`files ${name}`, await stage.act(place, { text, act, undo }))
      }
    }),
  'block log': (stage, { of }) =>
    each(stage, of, async (name, daemon) => {
      if (daemon.logPipe === undefined) throw new Error(`the log of ${name} goes through no pipe`)
      const undo = await stage.act(stage.site.directors[name].place, {
        text: `nobody reads the log of ${name}`,
        ...daemon.logPipe.blocking,
      })
      stage.keep(`log ${name}`, undo)
    }),
  'unblock log': (stage, { of }) => each(stage, of, (name) => stage.takeBack(`log ${name}`)),
}
