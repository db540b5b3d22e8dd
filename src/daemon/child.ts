import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A child that has lived this long was healthy; the next failure starts from the shortest delay again. */
const HEALTHY_AFTER_MS = 10_000
const LONGEST_DELAY_MS = 30_000

/** How a child process is started. */
export interface ChildProgram {
  readonly role: 'vrrp' | 'check'
  readonly args: readonly string[]
  /** Options of Node. */
  readonly execArgv: readonly string[]
  /** Runs as this user when the director is root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
}

export interface ChildEvents<In> {
  /** A new process is there; it knows nothing yet. */
  started(): void
  message(message: In): void
  /** It will be started again after `delayMs`. */
  died(how: string, delayMs: number): void
}

/**
 * Keeps one child process running: at once after the first failure, then after 1, 2, 4 … 30 seconds while it keeps
 * failing. `In` is what it sends.
 */
export class Child<Out extends object, In> {
  readonly #program: ChildProgram
  readonly #events: ChildEvents<In>
  #process: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  #failures = 0
  #stopping = false
  restarts = 0

  constructor(program: ChildProgram, events: ChildEvents<In>) {
    this.#program = program
    this.#events = events
    this.#start()
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  send(message: Out): void {
    if (this.#process?.connected === true) this.#process.send(message)
  }

  /** Does not start it again any more. Resolves when the process is gone, killed after `patienceMs` if need be. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      child.once('exit', () => {
        clearTimeout(kill)
        resolve()
      })
    })
  }

  #start(): void {
    const { role, args, execArgv, user } = this.#program
    const path = fileURLToPath(new URL(`./${role}-process${extname(import.meta.url)}`, import.meta.url))
    const child = fork(path, args, {
      execArgv: [...execArgv],
      ...(user !== undefined && process.getuid?.() === 0 ? user : {}),
    })
    this.#process = child
    this.#startedAt = performance.now()
    // fork's channel carries what the other end's typed `send` was given.
    child.on('message', (message) => this.#events.message(message as In))
    child.on('error', (error) => {
      if (child.pid === undefined) this.#exited(error.message) // never started, so there will be no exit
    })
    child.once('exit', (code, signal) => this.#exited(signal ?? `exit status ${code}`))
    this.#events.started()
  }

  #exited(how: string): void {
    if (this.#stopping) return
    if (performance.now() - this.#startedAt > HEALTHY_AFTER_MS) this.#failures = 0
    const delay = this.#failures === 0 ? 0 : Math.min(LONGEST_DELAY_MS, 500 * 2 ** this.#failures)
    this.#failures++
    this.restarts++
    this.#events.died(how, delay)
    if (delay === 0) this.#start()
    else this.#timer = setTimeout(() => this.#start(), delay)
  }
}
