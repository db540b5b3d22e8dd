import type { ScriptTracker, TrackerResult } from '../../model/tracking.ts'
import type { Commands, RunningCommand } from './command.ts'
import { afterRun, type RiseAndFall, untried } from './rise-and-fall.ts'
import { inWords } from './duration.ts'

/** The longest that a timer of Node takes; more would be over at once. */
const LONGEST_MS = 2 ** 31 - 1

/** Runs each tracking script on its interval, once for all who track it, and says what has come to be known. */
export class ScriptRunner {
  readonly #report: (results: readonly TrackerResult[]) => void
  readonly #running = new Map<string, TrackedScript>()

  constructor(report: (results: readonly TrackerResult[]) => void) {
    this.#report = report
  }

  /** A script that is the same as before goes on with what is known of it, in its own rhythm. */
  configure(trackers: readonly ScriptTracker[], commands: Commands): void {
    const wanted = new Map(trackers.map((tracker) => [tracker.name, tracker]))
    for (const [name, script] of this.#running) {
      if (script.goesOnAs(wanted.get(name), commands)) continue
      void script.end()
      this.#running.delete(name)
    }
    for (const [name, tracker] of wanted) {
      if (!this.#running.has(name)) this.#running.set(name, new TrackedScript(tracker, commands, this.#report))
    }
  }

  /** Resolves when nothing runs any more. */
  async end(): Promise<void> {
    const scripts = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(scripts.map((script) => script.end()))
  }
}

class TrackedScript {
  readonly #tracker: ScriptTracker
  readonly #report: (results: readonly TrackerResult[]) => void
  #commands: Commands
  #state: RiseAndFall
  /** What is known without how long it took: the same again is no news. */
  #told: string | undefined
  #run: RunningCommand | undefined
  #next: number
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(tracker: ScriptTracker, commands: Commands, report: (results: readonly TrackerResult[]) => void) {
    this.#tracker = tracker
    this.#commands = commands
    this.#report = report
    this.#state = untried(tracker)
    if (tracker.initFail) this.#tell('init_fail, and not run yet', 'init_fail')
    this.#next = performance.now()
    this.#tick()
  }

  goesOnAs(tracker: ScriptTracker | undefined, commands: Commands): boolean {
    const isSame = JSON.stringify(tracker) === JSON.stringify(this.#tracker)
    if (isSame) this.#commands = commands
    return isSame
  }

  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#run?.stop('the end of its tracking')
    await this.#run?.ended
  }

  #tick(): void {
    this.#next += this.#tracker.interval
    const now = performance.now()
    // A process that was stopped for a while does not make up for it.
    if (this.#next < now) this.#next = now + this.#tracker.interval
    this.#timer = setTimeout(() => this.#tick(), Math.min(this.#next - now, LONGEST_MS))
    // One that still runs at its next turn, killed or not, costs that turn, and nothing else.
    if (this.#run === undefined) void this.#runOnce()
  }

  async #runOnce(): Promise<void> {
    const { command, timeout } = this.#tracker
    const run = this.#commands.start(command, [])
    this.#run = run
    let isLate = false
    const limit = setTimeout(
      () => {
        isLate = true
        const why = `its time limit of ${inWords(timeout)}`
        // It counts now: a program that does not heed SIGTERM, or hangs in the kernel, must not delay what follows from it.
        this.#count(false, `still running after ${why}`, 'late')
        run.stop(why)
      },
      Math.min(timeout, LONGEST_MS),
    )
    const { end, verdict, ms, output } = await run.ended
    clearTimeout(limit)
    this.#run = undefined
    if (this.#ended || isLate) return
    const said = output === '' ? '' : `: ${output}`
    const detail = `${end} after ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms${said}`
    if (verdict === 'unable') this.#tell(detail, end)
    else this.#count(verdict === 'good', detail, `${end}${said}`)
  }

  #count(success: boolean, detail: string, same: string): void {
    if (this.#ended) return
    this.#state = afterRun(this.#tracker, this.#state, success)
    this.#tell(detail, same)
  }

  #tell(detail: string, same: string): void {
    const { good } = this.#state
    if (good === undefined) return
    const told = `${good} ${same}`
    if (told === this.#told) return
    this.#told = told
    const value = { type: good ? 'good' : 'bad' } as const
    this.#report([{ kind: 'script', name: this.#tracker.name, value, detail, at: Date.now() }])
  }
}
