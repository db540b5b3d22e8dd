import { inheritedChild } from '../../linux/process.ts'

const LOOK_EVERY_MS = 100

/**
 * The vrrp process of the program that this process was before: still a child of ours, so its number cannot have become another
 * process's, but one that node does not know.
 */
export class Predecessor {
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  #running = true

  private constructor(pid: number) {
    this.#pid = pid
    // A child that nobody waits for stays in the process table.
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
  }

  /** Undefined when it does not run any more, or is no child of ours. */
  static find(pid: number): Predecessor | undefined {
    return inheritedChild(pid) === 'running' ? new Predecessor(pid) : undefined
  }

  get running(): boolean {
    this.#look()
    return this.#running
  }

  /** Ends it without a goodbye: its successor has its role. */
  end(): void {
    if (this.running) process.kill(this.#pid, 'SIGKILL')
  }

  #look(): void {
    if (!this.#running || inheritedChild(this.#pid) === 'running') return
    this.#running = false
    clearInterval(this.#timer)
  }
}
