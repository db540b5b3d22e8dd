import type { Answer } from '../../check/health.ts'
import type { MiscCheck } from '../../model/checker.ts'
import { millis } from '../../time.ts'
import type { CommandEnd, Commands, RunningCommand } from './command.ts'
import { inWords } from './duration.ts'
import { miscAnswer } from './misc-answer.ts'

/** Asks how a server is by running the command of its checker, one run at a time. */
export class MiscQuestion {
  readonly #check: MiscCheck
  #commands: Commands
  #running: RunningCommand | undefined

  constructor(check: MiscCheck, commands: Commands) {
    this.#check = check
    this.#commands = commands
  }

  /** From the next run on. */
  useCommands(commands: Commands): void {
    this.#commands = commands
  }

  /**
   * Has the answer at the time limit in any case: a program that does not heed SIGTERM, or hangs in the kernel, must not delay what follows
   * from it. As long as it is there it is not run again, and that is a failure, too.
   */
  async ask(): Promise<Answer> {
    const { command, timeout } = this.#check
    const limit = `its time limit of ${inWords(timeout)}`
    const late = (): Answer => ({ up: false, reason: `still running after ${limit}`, duration: timeout })
    if (this.#running !== undefined) return { ...late(), duration: millis(0) }
    const running = this.#commands.start(command, [])
    this.#running = running
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        running.stop(limit)
        // One that has not been started yet ends at once, and is no failure of the server.
        setImmediate(() => resolve(late()))
      }, timeout)
      const ended = (how: CommandEnd) => {
        this.#running = undefined
        clearTimeout(timer)
        resolve(miscAnswer(this.#check, how))
      }
      void running.ended.then(ended)
    })
  }

  /** Resolves when nothing of it runs any more. */
  async over(): Promise<void> {
    await this.#running?.ended
  }

  /** The same, and has that be soon. */
  async end(): Promise<void> {
    this.#running?.stop('the end of its checks')
    await this.over()
  }
}
