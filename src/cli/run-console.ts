import { writeFileSync } from 'node:fs'
import type { Drill } from '../drill/drill.ts'
import { isGood, type RecordedEvent, type Recording } from '../drill/recording.ts'
import { page } from '../drill/report/html.ts'
import { jsonLine } from '../drill/report/json.ts'
import { junit } from '../drill/report/junit.ts'
import { markdownTable, terminalTable } from '../drill/report/table.ts'
import { endLines, eventLines, settledLines, titleLines, titleOf } from '../drill/report/timeline.ts'
import { counted } from '../drill/report/units.ts'
import { LostPlaceError } from '../lab/connect.ts'
import { UnsettledError } from '../lab/open-stage.ts'
import { PairError } from '../lab/pair.ts'

/** A claim does not hold, or a drill could not be run to its end. */
const EXIT_FAILED = 1
/** The pair cannot be rehearsed, or nothing was run: as `tanistd -t` ends with a file that it refuses. */
export const EXIT_REFUSED = 5

/** What is written of runs. */
export interface ReportOptions {
  readonly json?: string
  readonly junit?: string
  readonly html?: string
  readonly markdown?: string
  readonly verbose?: true
}

/** Gets what is seen of a run. */
export interface Watching {
  readonly onEvent: (event: RecordedEvent) => void
  readonly onCannotPlay: (sentences: readonly string[]) => void
}

export interface LeftOut {
  readonly leftOut: string
}

/** What people see while drills run, and all that was seen. */
export class RunConsole {
  readonly #options: ReportOptions
  readonly #recordings: Recording[] = []
  readonly #style: { readonly hasColours: boolean; readonly isVerbose: boolean }
  readonly #skipped: string[] = []
  readonly #said = new Set<string>()
  #failures = 0

  constructor(options: ReportOptions) {
    this.#options = options
    this.#style = { hasColours: process.stdout.isTTY, isVerbose: options.verbose === true }
  }

  /** `play` runs it, or says why it is left out. */
  async runOne(drill: Drill, play: (console: Watching) => Promise<Recording | LeftOut>): Promise<void> {
    this.say(titleLines(drill, this.#style))
    const { cannotRun } = drill
    if (cannotRun !== undefined) return this.skip(drill, `cannot run here: ${cannotRun}`)
    try {
      let waiting: ReturnType<typeof eventLines>['waiting'] = []
      const recording = await play({
        onCannotPlay: (sentences) => this.#sayOnce(sentences),
        onEvent: (event) => {
          const told = eventLines(waiting, event, this.#style)
          waiting = told.waiting
          this.say(told.lines)
        },
      })
      if ('leftOut' in recording) return this.skip(drill, recording.leftOut)
      this.say(settledLines(waiting, undefined, this.#style).lines)
      this.#conclude(recording)
    } catch (error) {
      this.fail(error)
    }
  }

  /** What a pair or a machine lacks is told in a sentence, and the next drill has its turn. */
  fail(error: unknown): void {
    const isTold = error instanceof PairError || error instanceof UnsettledError || error instanceof LostPlaceError
    if (!isTold && process.env['TANIST_DEBUG'] !== undefined) throw error
    this.#failures++
    this.say([`✗ ${error instanceof Error ? error.message : String(error)}`])
  }

  #conclude(recording: Recording): void {
    this.say(
      recording.judgements
        .filter(({ of, holds }) => of !== 'claim' && holds === false)
        .map(({ of, text, found }) => `  ✗ ${of} ${text}: ${found}`),
    )
    this.say(endLines(recording, this.#style))
    this.#recordings.push(recording)
    if (!isGood(recording)) this.#failures++
  }

  skip(drill: Drill, why: string): void {
    this.say([`left out: ${why}`])
    this.#skipped.push(`${titleOf(drill)}: ${why}`)
  }

  /** The same pair is told of once. */
  #sayOnce(sentences: readonly string[]): void {
    this.say(sentences.filter((each) => !this.#said.has(each)).map((each) => `not played: ${each}`))
    for (const each of sentences) this.#said.add(each)
  }

  say(lines: readonly string[]): void {
    for (const line of lines) process.stdout.write(`${line}\n`)
  }

  conclude(commandLine: string): void {
    const { json, junit: junitFile, html, markdown } = this.#options
    if (this.#recordings.length > 1) this.say(['', terminalTable(this.#recordings, this.#style)])
    if (this.#skipped.length > 0) this.say(['', ...this.#skipped.map((each) => `left out: ${each}`)])
    if (this.#recordings.length > 1) this.say(['', this.#verdict])
    if (json !== undefined) writeFileSync(json, this.#recordings.map((each) => `${jsonLine(each)}\n`).join(''))
    if (junitFile !== undefined) writeFileSync(junitFile, junit(this.#recordings))
    if (markdown !== undefined) writeFileSync(markdown, markdownTable(this.#recordings, commandLine))
    if (html !== undefined) writeFileSync(html, page(this.#recordings, commandLine))
  }

  /** Of all drills together. */
  get #verdict(): string {
    return this.#failures === 0 ? 'Every claim held.' : `${counted(this.#failures, 'drill')} did not hold.`
  }

  get exitStatus(): number {
    if (this.#failures > 0) return EXIT_FAILED
    // What has run nothing has shown nothing.
    return this.#recordings.length === 0 ? EXIT_REFUSED : 0
  }
}
