import { trackerKey, type TrackerResult, type Trackers, trackersByKey } from '../../model/tracking.ts'
import type { Commands } from './command.ts'
import { ScriptRunner } from './script-runner.ts'
import { FileWatcher } from './watch/file-watch.ts'
import { ProcessWatcher } from './watch/process-watch.ts'

/** Something that is watched by its kind. */
interface Watcher {
  configure(trackers: Trackers, commands: Commands, starts: boolean): void
  /** Resolves when nothing of it runs any more. */
  end(): Promise<void>
}

type Report = (results: readonly TrackerResult[]) => void

/** Who watches what: a watcher of another kind is one more line here. */
function watchers(report: Report): readonly Watcher[] {
  const scripts = new ScriptRunner(report)
  const files = new FileWatcher(report)
  const processes = new ProcessWatcher(report)
  return [
    {
      configure: (trackers, commands) => scripts.configure(trackers.scripts, commands),
      end: async () => await scripts.end(),
    },
    { configure: (trackers, _, starts) => files.configure(trackers.files, starts), end: async () => files.close() },
    { configure: (trackers) => processes.configure(trackers.processes), end: async () => processes.close() },
  ]
}

/** Watches everything that is tracked, and remembers what has been found, for who asks later. */
export class KnownTrackers {
  readonly #watchers: readonly Watcher[]
  /** By kind and name. BOUNDED by what is configured. */
  readonly #known = new Map<string, TrackerResult>()
  #configured = new Map<string, string>()
  #isConfiguring = false

  /** `report` gets what is found between two calls of `configure`; what is known right after one is in `all`. */
  constructor(report: Report) {
    this.#watchers = watchers((results) => {
      for (const result of results) this.#known.set(trackerKey(result), result)
      if (!this.#isConfiguring) report(results)
    })
  }

  get all(): readonly TrackerResult[] {
    return [...this.#known.values()]
  }

  /** `starts`: the daemon has just started. */
  configure(trackers: Trackers, commands: Commands, starts: boolean): void {
    const definitions = new Map([...trackersByKey(trackers)].map(([key, each]) => [key, JSON.stringify(each)]))
    for (const [key, definition] of this.#configured) {
      // What was found of another one by that name says nothing of this one.
      if (definitions.get(key) !== definition) this.#known.delete(key)
    }
    this.#configured = definitions
    this.#isConfiguring = true
    for (const watcher of this.#watchers) watcher.configure(trackers, commands, starts)
    this.#isConfiguring = false
  }

  async end(): Promise<void> {
    this.#known.clear()
    this.#configured = new Map()
    await Promise.all(this.#watchers.map((watcher) => watcher.end()))
  }
}
