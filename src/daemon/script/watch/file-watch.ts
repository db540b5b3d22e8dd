import { Buffer } from 'node:buffer'
import { closeSync, constants, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { reasonOf } from '../../../host/regular-file.ts'
import { Inotify } from '../../../linux/inotify.ts'
import { type Drained, PacedPoller } from '../../../linux/paced-poller.ts'
import type { FileTracker, TrackerResult } from '../../../model/tracking.ts'
import { millis } from '../../../time.ts'
import { fileNumber, NUMBER_BYTES } from './file-number.ts'
import { followPath } from './look-ups.ts'

/** A file that is written all the time is read so often. */
const PAUSE = millis(20)
/** What inotify cannot watch is looked at so often. */
const POLL = millis(1000)
/** Reads of inotify in one turn; some thousand events each. */
const READS = 8
const FILE_MODE = 0o644

interface Watched {
  readonly tracker: FileTracker
  readonly path: string
  /** Names that decide about it, by the watch of their directory. */
  names: ReadonlyMap<number, ReadonlySet<string>>
  /** A directory on its way cannot be watched. */
  polled: boolean
  value: number
  detail: string | undefined
}

/**
 * The numbers in tracked files. Every name on the way to a file is watched where it is looked up, so it may be written, replaced,
 * renamed, or not be there yet, with its directory, and so may be what a symbolic link leads to.
 */
export class FileWatcher {
  readonly #report: (results: readonly TrackerResult[]) => void
  readonly #inotify: Inotify | undefined
  readonly #poller: PacedPoller | undefined
  #watched: readonly Watched[] = []
  #watches: ReadonlySet<number> = new Set()
  #poll: NodeJS.Timeout | undefined

  constructor(report: (results: readonly TrackerResult[]) => void) {
    this.#report = report
    try {
      this.#inotify = new Inotify()
      this.#poller = new PacedPoller(PAUSE, () => this.#drain())
    } catch {
      // The user has too many of these already: every file is polled.
    }
  }

  /**
   * Watches these from now on, and reports those that it has not watched before, at once. A missing file is made when it has a first
   * number; one that is there is overwritten by it, if that is wished, at the start of the whole program only.
   */
  configure(trackers: readonly FileTracker[], programStarts: boolean): void {
    const before = new Map(this.#watched.map((watched) => [watched.tracker.name, watched]))
    const fresh: Watched[] = []
    this.#watched = trackers.map((tracker) => {
      const same = before.get(tracker.name)
      if (same !== undefined && isDeepStrictEqual(same.tracker, tracker)) return same
      const added: Watched = {
        tracker,
        path: resolve(tracker.path),
        names: new Map(),
        polled: false,
        value: 0,
        detail: undefined,
      }
      fresh.push(added)
      return added
    })
    this.#poller?.watch(trackers.length > 0 ? this.#inotify?.fd : undefined)
    const problems = fresh.map(({ tracker }) => initialize(tracker, programStarts))
    this.#update(fresh, problems)
  }

  close(): void {
    clearInterval(this.#poll)
    this.#poller?.close()
    this.#inotify?.close()
  }

  #drain(): Drained {
    const changed = new Set<Watched>()
    let drained: Drained = 'part'
    let reads = 0
    for (; reads < READS; reads++) {
      const found = this.#inotify?.read()
      if (found === undefined) {
        drained = reads === 0 ? 'nothing' : 'all'
        break
      }
      for (const watched of this.#watched) {
        const isConcerned = found.events.some(({ watch, name }) => watched.names.get(watch)?.has(name))
        if (found.overflow || isConcerned) changed.add(watched)
      }
    }
    this.#update([...changed])
    return drained
  }

  /** Looks at files again, and reports what is another one than before. */
  #update(files: readonly Watched[], problems: readonly (string | undefined)[] = []): void {
    for (const watched of files) this.#follow(watched)
    this.#dropWatches()
    this.#pollSome()
    const results = files.flatMap((watched, index) => this.#read(watched, problems[index]) ?? [])
    if (results.length > 0) this.#report(results)
  }

  #follow(watched: Watched): void {
    const names = new Map<number, Set<string>>()
    watched.polled = this.#inotify === undefined
    followPath(watched.path, (directory, name) => {
      const watch = this.#inotify?.add(directory)
      if (typeof watch !== 'number') {
        // That it has just disappeared is told by the watch of the directory that it was in.
        if (watch?.code !== 'ENOENT' && watch?.code !== 'ENOTDIR') watched.polled = true
        return
      }
      names.set(watch, (names.get(watch) ?? new Set()).add(name))
    })
    watched.names = names
  }

  #dropWatches(): void {
    const needed = new Set(this.#watched.flatMap(({ names }) => [...names.keys()]))
    for (const watch of this.#watches) if (!needed.has(watch)) this.#inotify?.remove(watch)
    this.#watches = needed
  }

  #pollSome(): void {
    const isNeeded = this.#watched.some(({ polled }) => polled)
    if (isNeeded) this.#poll ??= setInterval(() => this.#update(this.#watched.filter(({ polled }) => polled)), POLL)
    else {
      clearInterval(this.#poll)
      this.#poll = undefined
    }
  }

  #read(watched: Watched, problem: string | undefined): TrackerResult | undefined {
    const { value, detail } = contentOf(watched.path, watched.value)
    const said = problem === undefined ? detail : `${detail}; ${problem}`
    if (value === watched.value && said === watched.detail) return undefined
    watched.value = value
    watched.detail = said
    return {
      kind: 'file',
      name: watched.tracker.name,
      value: { type: 'number', value },
      detail: said,
      at: Date.now(),
    }
  }
}

/** `before`: what stays when the number is none that can be used. */
function contentOf(path: string, before: number): { readonly value: number; readonly detail: string } {
  const text = readText(path)
  if (typeof text !== 'string') return { value: 0, detail: text.problem }
  const number = fileNumber(text)
  switch (number.type) {
    case 'number':
      return { value: number.value, detail: `${number.value} in ${path}` }
    case 'none':
      return { value: 0, detail: `no number in ${path}` }
    case 'out-of-range':
      return { value: before, detail: `${number.text} in ${path} is out of range` }
  }
}

/** Waits for nobody, whatever kind of file it is. */
function readText(path: string): string | { readonly problem: string } {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    try {
      const bytes = Buffer.alloc(NUMBER_BYTES)
      return bytes.toString('latin1', 0, readSync(file, bytes))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { problem: isMissing ? `no file ${path}` : `${path}: ${reasonOf(error)}` }
  }
}

/** Writes the first number, and says why it could not. */
function initialize({ init, path }: FileTracker, programStarts: boolean): string | undefined {
  if (init === undefined) return undefined
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found !== undefined && !(init.overwrite && programStarts)) return undefined
    if (found !== undefined && !found.isFile()) return 'init_file: it is not a regular file'
    writeFileSync(path, `${init.value}\n`, { mode: FILE_MODE })
    return undefined
  } catch (error) {
    return `init_file: ${reasonOf(error)}`
  }
}
