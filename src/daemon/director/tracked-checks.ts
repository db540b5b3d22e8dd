import { serverByNumber } from '../../balance/tracked-server.ts'
import type { BfdSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import { type BfdCheck, type CheckerTask, checkerTasks, type FileCheck } from '../../model/checker.ts'
import type { Asked } from '../../model/asked.ts'
import type { TrackerResult } from '../../model/tracking.ts'
import { millis } from '../../time.ts'
import type { Verdict } from '../messages.ts'
import { bfdDetail } from '../vrrp/bfd-lines.ts'

type TrackedTask = CheckerTask<FileCheck | BfdCheck>

const isTracked = (task: CheckerTask): task is TrackedTask =>
  task.check.type === 'FILE_CHECK' || task.check.type === 'BFD_CHECK'

type Finding = Pick<Verdict, 'up' | 'weight' | 'reason'>

/** A session that has never been up has so many of its intervals to come up before it counts as down: the neighbour has its own. */
const FIRST_INTERVALS = 3

/** The checkers that ask nobody: files and BFD sessions say how their servers are. Bounded by the configuration. */
export class TrackedChecks {
  readonly #judged: (verdict: Verdict) => void
  /** The newest number in each file. */
  readonly #files = new Map<string, TrackerResult>()
  /** Sessions that have not been up yet, and since when they are known, in ms since the start of this process. */
  readonly #untried = new Map<string, number>()
  /** What was told last, by the id of the checker. */
  readonly #told = new Map<string, string>()
  #sessions: readonly BfdSnapshot[] = []
  #config: Config
  #tasks: readonly TrackedTask[]

  constructor(config: Config, judged: (verdict: Verdict) => void) {
    this.#config = config
    this.#tasks = checkerTasks(config.virtualServers).filter(isTracked)
    this.#judged = judged
  }

  configure(config: Config): void {
    this.#config = config
    this.#tasks = checkerTasks(config.virtualServers).filter(isTracked)
    const ids = new Set(this.#tasks.map(({ id }) => id))
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id)
    const files = new Set(config.scripts.trackers.files.map(({ name }) => name))
    for (const name of this.#files.keys()) if (!files.has(name)) this.#files.delete(name)
    this.#judge()
  }

  /** News of trackers. */
  track(results: readonly TrackerResult[]): void {
    const files = results.filter(({ kind }) => kind === 'file')
    for (const result of files) this.#files.set(result.name, result)
    if (files.length > 0) this.#judge()
  }

  /** All sessions as they are now. */
  follow(sessions: readonly BfdSnapshot[]): void {
    this.#sessions = sessions
    const names = new Set(sessions.map(({ name }) => name))
    for (const name of this.#untried.keys()) if (!names.has(name)) this.#untried.delete(name)
    for (const { name } of sessions) if (!this.#untried.has(name)) this.#untried.set(name, performance.now())
    this.#judge()
  }

  /** What a checker says now, for who wants to see it. */
  ask(check: FileCheck | BfdCheck): Asked {
    const what =
      check.type === 'FILE_CHECK'
        ? `follows the number in the file ${check.file}`
        : `follows the BFD session ${check.session}`
    const finding = this.#find(check) ?? { up: undefined, reason: 'not known yet' }
    return { ...finding, duration: millis(0), steps: [{ what, after: millis(0) }] }
  }

  #judge(): void {
    for (const task of this.#tasks) {
      const finding = this.#find(task.check)
      if (finding === undefined) continue
      // Another checker may have come to its place.
      const text = JSON.stringify([task.check, finding])
      if (text === this.#told.get(task.id)) continue
      this.#told.set(task.id, text)
      this.#judged({ id: task.id, ...finding, duration: millis(0), at: Date.now() })
    }
  }

  /** Undefined: not known yet. */
  #find(check: FileCheck | BfdCheck): Finding | undefined {
    return check.type === 'FILE_CHECK' ? this.#byFile(check) : this.#bySession(check)
  }

  #byFile(check: FileCheck): Finding | undefined {
    const known = this.#files.get(check.file)
    if (known?.value.type !== 'number') return undefined
    return { ...serverByNumber(check, known.value.value), reason: known.detail }
  }

  #bySession({ session: name }: BfdCheck): Finding | undefined {
    const config = this.#config.bfdSessions.find((each) => each.name === name)
    if (config?.enabled === false) return { up: false, reason: 'not run: --no_bfd' }
    const known = this.#sessions.find((each) => each.name === name)
    // Administratively down is what this host says of it at its end.
    if (config === undefined || known === undefined || known.state === 'admin-down') return undefined
    const since = this.#untried.get(name) ?? 0
    const isUntried = known.state !== 'up' && known.wentUp === 0
    if (isUntried && performance.now() - since < FIRST_INTERVALS * config.idleTx) return undefined
    return { up: known.state === 'up', reason: bfdDetail(known) }
  }
}
