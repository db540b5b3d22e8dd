import { isDeepStrictEqual } from 'node:util'
import { SystemError } from '../../../linux/libc.ts'
import { type Drained, PacedPoller } from '../../../linux/paced-poller.ts'
import { ProcessConnector, type ProcessEvent } from '../../../linux/proc-connector.ts'
import { processIds, processInfo } from '../../../linux/processes.ts'
import type { ProcessTracker, TrackerResult } from '../../../model/tracking.ts'
import { millis } from '../../../time.ts'
import { Members } from './members.ts'
import { commandBytes, type Matcher, matcherOf } from './process-match.ts'
import { firstStanding, type QuorumEvent, type Standing, stepQuorum } from './quorum.ts'

/** Events are taken at once, and then so often. */
const PAUSE = millis(10)
/** Messages of the kernel in one turn, and processes that are looked at in one turn of a scan. */
const MESSAGES = 1024
const LOOKS = 256
/** From one look at all processes to the next: where the kernel tells nothing, or has told more than could be read. */
const RESCAN = millis(1000)
/** How often a number of processes is told that changes nothing. */
const DETAILS = millis(1000)

interface Watched {
  readonly tracker: ProcessTracker
  readonly matches: Matcher
  /** Unknown until all processes have been looked at. */
  standing: Standing | undefined
  reported: { readonly good: boolean; readonly detail: string } | undefined
}

/**
 * Counts processes: by the kernel's events where it gives any, else by looking at all of them each second. Results come some
 * milliseconds after `configure`, when all have been looked at once.
 */
export class ProcessWatcher {
  readonly #report: (results: readonly TrackerResult[]) => void
  readonly #members = new Members()
  readonly #poller: PacedPoller
  #watched: ReadonlyMap<string, Watched> = new Map()
  #commandBytes = 0
  #connector: ProcessConnector | undefined
  /** Of the scan that runs; another one takes its place. */
  #scan: symbol | undefined
  #begun = -Infinity
  #rescan: NodeJS.Timeout | undefined
  #due: NodeJS.Timeout | undefined
  #details: NodeJS.Timeout | undefined

  constructor(report: (results: readonly TrackerResult[]) => void) {
    this.#report = report
    this.#poller = new PacedPoller(PAUSE, () => this.#drain())
  }

  /** Counts for these from now on. What was counted before, and is to be counted in the same way, stays as it is. */
  configure(trackers: readonly ProcessTracker[]): void {
    const before = this.#watched
    this.#watched = new Map(
      trackers.map((tracker) => {
        const same = before.get(tracker.name)
        const added = { tracker, matches: matcherOf(tracker), standing: undefined, reported: undefined }
        return [tracker.name, same !== undefined && isDeepStrictEqual(same.tracker, tracker) ? same : added]
      }),
    )
    for (const [name, watched] of before) if (this.#watched.get(name) !== watched) this.#members.drop(name)
    this.#commandBytes = commandBytes(trackers)
    this.#begin()
  }

  close(): void {
    this.#scan = undefined
    for (const timer of [this.#rescan, this.#due, this.#details]) clearTimeout(timer)
    this.#poller.close()
    this.#connector?.close()
  }

  /** Listens before it looks at all processes, so that nothing happens in between. */
  #begin(): void {
    clearTimeout(this.#rescan)
    this.#begun = performance.now()
    if (this.#watched.size === 0) {
      this.#scan = undefined
      this.#disconnect()
      return
    }
    if (this.#connector === undefined) this.#connect()
    const pids = new Set([...processIds(), ...this.#members.pids])
    const scan = Symbol('scan')
    this.#scan = scan
    this.#look([...pids], scan)
  }

  #connect(): void {
    try {
      this.#connector = new ProcessConnector()
    } catch (error) {
      // It is not allowed here, or the host is short of something: the next look at all processes tries again.
      if (!(error instanceof SystemError)) throw error
      return
    }
    this.#poller.watch(this.#connector.fd)
  }

  #disconnect(): void {
    this.#poller.watch(undefined)
    this.#connector?.close()
    this.#connector = undefined
  }

  #rescanLater(): void {
    clearTimeout(this.#rescan)
    this.#rescan = setTimeout(() => this.#begin(), Math.max(0, this.#begun + RESCAN - performance.now()))
  }

  /** Looks at all of these, some in each turn. */
  #look(pids: readonly number[], scan: symbol): void {
    if (this.#scan !== scan) return
    for (const pid of pids.slice(0, LOOKS)) this.#lookAt(pid)
    const rest = pids.slice(LOOKS)
    if (rest.length > 0) {
      setImmediate(() => this.#look(rest, scan))
      return
    }
    this.#scan = undefined
    for (const [name, watched] of this.#watched) {
      watched.standing ??= firstStanding(watched.tracker, this.#members.count(name))
    }
    this.#tell()
    if (this.#connector === undefined) this.#rescanLater()
  }

  #lookAt(pid: number): void {
    const info = processInfo(pid, this.#commandBytes)
    if (info === undefined) {
      this.#count(pid, NONE, 'exit')
      return
    }
    const names = new Set([...this.#watched].flatMap(([name, { matches }]) => (matches(info) ? name : [])))
    const ofParent = this.#members.trackersOf(info.parent)
    const isForked = [...names].some((name) => ofParent.has(name)) && this.#connector === undefined
    this.#count(pid, names, isForked ? 'fork' : 'itself')
  }

  #drain(): Drained {
    const connector = this.#connector
    if (connector === undefined) return 'nothing'
    const { events, lost, more } = connector.drain(MESSAGES)
    if (lost) {
      // What has still been waiting is older than what is lost; with all of it gone, a look at all processes is the truth.
      this.#disconnect()
      this.#rescanLater()
      return 'nothing'
    }
    this.#take(events)
    return more ? 'part' : events.length > 0 ? 'all' : 'nothing'
  }

  /** A process that has already ended again is not looked at. */
  #take(events: readonly ProcessEvent[]): void {
    const changed = new Set<number>()
    for (const event of events) {
      switch (event.type) {
        case 'fork': {
          // A child has the name and the arguments of its parent until it gives itself others.
          this.#count(event.child, this.#members.trackersOf(event.parent), 'fork')
          if (changed.has(event.parent)) changed.add(event.child)
          break
        }
        case 'exec':
        case 'rename':
          changed.add(event.pid)
          break
        case 'exit':
          changed.delete(event.pid)
          this.#count(event.pid, NONE, 'exit')
          break
      }
    }
    for (const pid of changed) this.#lookAt(pid)
    this.#tell()
  }

  #count(pid: number, trackers: ReadonlySet<string>, cause: 'fork' | 'exit' | 'itself'): void {
    for (const name of this.#members.set(pid, trackers)) {
      this.#step(this.#watched.get(name), { type: 'count', count: this.#members.count(name), cause })
    }
  }

  #step(watched: Watched | undefined, event: QuorumEvent): void {
    if (watched?.standing === undefined) return
    watched.standing = stepQuorum(watched.tracker, watched.standing, event, millis(performance.now()))
  }

  /** Reports what has become good or bad, and mere numbers now and then. */
  #tell(withDetails = false): void {
    this.#wait()
    const results: TrackerResult[] = []
    for (const watched of this.#watched.values()) {
      if (watched.standing === undefined) continue
      const { good, count } = watched.standing
      const detail = detailOf(watched.tracker, count)
      if (watched.reported?.good === good && (watched.reported.detail === detail || !withDetails)) {
        if (watched.reported.detail !== detail) this.#details ??= setTimeout(() => this.#tell(true), DETAILS)
        continue
      }
      watched.reported = { good, detail }
      const value = { type: good ? 'good' : 'bad' } as const
      results.push({ kind: 'process', name: watched.tracker.name, value, detail, at: Date.now() })
    }
    if (withDetails) this.#details = undefined
    if (results.length > 0) this.#report(results)
  }

  #wait(): void {
    clearTimeout(this.#due)
    const due = Math.min(...[...this.#watched.values()].map(({ standing }) => standing?.due ?? Infinity))
    if (due === Infinity) return
    this.#due = setTimeout(() => {
      for (const watched of this.#watched.values()) this.#step(watched, { type: 'time' })
      this.#tell()
    }, due - performance.now())
  }
}

const NONE: ReadonlySet<string> = new Set()

function detailOf({ quorum, quorumMax }: ProcessTracker, count: number): string {
  const bounds =
    quorumMax === undefined ? `${quorum}` : quorum === quorumMax ? `exactly ${quorum}` : `${quorum} to ${quorumMax}`
  return `${count} ${count === 1 ? 'process' : 'processes'} (needs ${bounds})`
}
