import type { Command } from '../../model/command.ts'
import type { CommandRun } from '../messages.ts'
import { commandRun, type Commands, type RunningCommand } from './command.ts'

/** Pauses before a handler that has ended is started again, doubling; after a life as long as the longest they begin anew. */
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** One that reads until its end ends by itself; others wait for SIGTERM. */
const LEAVE_MS = 300

/** The program that reads a named pipe, for as long as the pipe is there. */
export class PipeHandler {
  readonly #command: Command
  readonly #path: string
  readonly #commands: Commands
  readonly #ran: (run: CommandRun) => void
  #run: RunningCommand | undefined
  #timer: NodeJS.Timeout | undefined
  #pauseMs = FIRST_PAUSE_MS
  #isEnding = false

  constructor(command: Command, path: string, commands: Commands, ran: (run: CommandRun) => void) {
    this.#command = command
    this.#path = path
    this.#commands = commands
    this.#ran = ran
    void this.#start()
  }

  get isRunning(): boolean {
    return this.#run !== undefined
  }

  /** Its pipe has come to its end. Resolves when it has gone; it has a moment to do so by itself. */
  async end(): Promise<void> {
    this.#isEnding = true
    clearTimeout(this.#timer)
    const run = this.#run
    if (run === undefined) return
    const limit = setTimeout(() => run.stop('the end of its pipe'), LEAVE_MS)
    await run.ended
    clearTimeout(limit)
  }

  async #start(): Promise<void> {
    this.#run = this.#commands.start(this.#command, [this.#path])
    const ended = await this.#run.ended
    this.#run = undefined
    if (this.#isEnding) return
    if (ended.ms >= LONGEST_PAUSE_MS) this.#pauseMs = FIRST_PAUSE_MS
    this.#ran(commandRun(`fifo ${this.#path}`, [...this.#command.argv, this.#path], ended))
    this.#timer = setTimeout(() => void this.#start(), this.#pauseMs)
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
  }
}
