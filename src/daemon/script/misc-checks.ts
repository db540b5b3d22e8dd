import { type Found, foundOf } from '../../check/found.ts'
import { isNews } from '../../check/news.ts'
import type { Answer } from '../../check/health.ts'
import { CheckRunner } from '../../check/runner.ts'
import type { Outcome } from '../../check/schedule.ts'
import { type Note, watched } from '../../check/steps.ts'
import type { Asked } from '../../model/asked.ts'
import type { CheckerTask, MiscCheck } from '../../model/checker.ts'
import { millis } from '../../time.ts'
import type { Verdict } from '../messages.ts'
import type { Commands } from './command.ts'
import { inWords } from './duration.ts'
import { MiscQuestion } from './misc-question.ts'

type MiscTask = CheckerTask<MiscCheck>

interface Running {
  readonly task: MiscTask
  readonly question: MiscQuestion
  readonly runner: CheckRunner
}

/**
 * Runs the commands of checkers: each by itself, also when two say the same one. BOUNDED: one process for each of them at a time, and
 * one more for who wants to see it.
 */
export class MiscChecks {
  readonly #report: (verdict: Verdict) => void
  readonly #running = new Map<string, Running>()
  /** Those that run because somebody wants to see it. */
  readonly #asked = new Map<string, MiscQuestion>()
  #tasks: ReadonlyMap<string, MiscTask> = new Map()
  #commands: Commands | undefined
  /** The last one of each. */
  readonly #known = new Map<string, Verdict>()

  constructor(report: (verdict: Verdict) => void) {
    this.#report = report
  }

  /** What they have found, for who asks later. */
  get all(): readonly Verdict[] {
    return [...this.#known.values()]
  }

  /** A checker that is the same as before goes on where it is. `before`: what they have said in another process. */
  configure(tasks: readonly MiscTask[], resting: readonly string[], before: Found, commands: Commands): void {
    this.#tasks = new Map(tasks.map((task) => [task.id, task]))
    this.#commands = commands
    this.rest(resting, before)
  }

  /** These do not run from now on, and all others do. `before`: what they have said before they rested. */
  rest(resting: readonly string[], before: Found): void {
    const commands = this.#commands
    if (commands === undefined) return
    const found = foundOf(before)
    const rests = new Set(resting)
    const wanted = new Map([...this.#tasks].filter(([id]) => !rests.has(id)))
    for (const [id, running] of this.#running) {
      if (JSON.stringify(wanted.get(id)) === JSON.stringify(running.task)) running.question.useCommands(commands)
      else void this.#end(id, running)
    }
    for (const [id, task] of wanted) {
      if (!this.#running.has(id)) this.#start(task, found.get(id), commands)
    }
  }

  /** Runs the command of a checker once, for who wants to see what it says. */
  async ask(id: string): Promise<Asked> {
    return await watched(async (note) => await this.#once(id, note))
  }

  async #once(id: string, note: NonNullable<Note>): Promise<Answer> {
    const task = this.#tasks.get(id)
    if (task === undefined || this.#commands === undefined) return notRun('the file as it is now has no such checker')
    if (this.#asked.has(id)) return notRun('it still runs from the last time that somebody asked')
    const { check } = task
    const question = new MiscQuestion(check, this.#commands)
    this.#asked.set(id, question)
    const asks = check.dynamic ? ', and from 2 on asks for a weight of two less' : ''
    note(`runs ${check.command.argv.join(' ')}, for ${inWords(check.timeout)} at most; exit status 0 is good${asks}`)
    const answer = await question.ask()
    void question.over().then(() => this.#asked.delete(id))
    return answer
  }

  /** Resolves when nothing runs any more. */
  async end(): Promise<void> {
    const running = [...this.#running].map(async ([id, running]) => await this.#end(id, running))
    await Promise.all([...running, ...[...this.#asked.values()].map(async (question) => await question.end())])
  }

  #start(task: MiscTask, was: 'up' | 'down' | undefined, commands: Commands): void {
    const { id, check } = task
    const question = new MiscQuestion(check, commands)
    let last: Outcome | undefined
    const take = (outcome: Outcome) => {
      if (isNews(last, outcome)) this.#tell(id, outcome)
      last = outcome
    }
    const runner = new CheckRunner(check, async () => await question.ask(), take, was)
    this.#running.set(id, { task, question, runner })
  }

  /** How long a run took is in no reason before this: it would make each failure another one. */
  #tell(id: string, outcome: Outcome): void {
    const ms = outcome.duration < 10 ? outcome.duration.toFixed(1) : Math.round(outcome.duration)
    const verdict = { id, ...outcome, reason: `${outcome.reason} (${ms} ms)`, at: Date.now() }
    this.#known.set(id, verdict)
    this.#report(verdict)
  }

  async #end(id: string, { runner, question }: Running): Promise<void> {
    runner.stop()
    this.#running.delete(id)
    this.#known.delete(id)
    await question.end()
  }
}

const notRun = (reason: string): Answer => ({ up: undefined, reason, duration: millis(0) })
