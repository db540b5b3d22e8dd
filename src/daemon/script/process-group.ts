import { readFileSync } from 'node:fs'
import { processIds } from '../../linux/processes.ts'

/** Between SIGTERM and SIGKILL, as keepalived has it. */
const KILL_AFTER_MS = 2000

/**
 * Processes that a command may leave running in its group: a daemon, with all that belongs to it. More are taken for a fork bomb, and
 * killed; looked for after these times, since one that is none may take a while to show that.
 */
export const MOST_LEFT = 200
const LOOKS_MS = [500, 2000, 10_000]

/** What a command has started, as far as it has not left its process group. */
export class ProcessGroup {
  readonly #id: number
  readonly #bombed: () => void
  #kill: NodeJS.Timeout | undefined

  /** `bombed`: its leader has ended, and what it left running was too much and is killed. */
  constructor(id: number, bombed: () => void) {
    this.#id = id
    this.#bombed = bombed
  }

  /** SIGTERM for all of it, then SIGKILL for what is left. */
  end(): void {
    if (this.#kill !== undefined) return
    this.#signal('SIGTERM')
    // Its number is not given to another process before the group is empty.
    this.#kill = setTimeout(() => this.#signal('SIGKILL'), KILL_AFTER_MS)
  }

  /** The rest has its time, unless there is no rest: then the number may become somebody else's. */
  leaderEnded(): void {
    const isEmpty = !this.#signal(0)
    if (isEmpty) clearTimeout(this.#kill)
    else if (this.#kill === undefined) this.#look(0)
  }

  #look(index: number): void {
    const wait = LOOKS_MS[index]
    if (wait === undefined) return
    const timer = setTimeout(() => {
      if (!this.#signal(0)) return
      if (hasMore(this.#id, MOST_LEFT)) {
        this.#signal('SIGKILL')
        this.#bombed()
      } else this.#look(index + 1)
    }, wait)
    timer.unref()
  }

  #signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.#id, signal)
    } catch {
      return false
    }
  }
}

/** Whether a process group has more than so many processes (proc(5): the third field behind the name is the group). */
function hasMore(group: number, most: number): boolean {
  let count = 0
  for (const pid of processIds()) {
    try {
      const [, , id] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(id) === group && ++count > most) return true
    } catch {
      // It has ended meanwhile.
    }
  }
  return false
}
