import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Alive } from './messages.ts'
import { type Pulse, Silence } from './pulse.ts'

/** A child that has lived this long was healthy; the next failure starts from the shortest delay again. */
const HEALTHY_AFTER_MS = 10_000
const LONGEST_DELAY_MS = 30_000

/** Options of Node. No debugger by SIGUSR1. Small heaps; code that runs once a second is not compiled anew each time. */
const optionsWithHeap = (megabytes: number) => [
  '--disable-sigusr1',
  `--max-old-space-size=${megabytes}`,
  '--max-semi-space-size=1',
  '--no-flush-bytecode',
]

export const CHILD_OPTIONS = optionsWithHeap(64)

/** For a child that reads the configuration itself: ten thousand real servers take more than 64 MB. */
export const READING_CHILD_OPTIONS = optionsWithHeap(256)

/** How a child process is started. */
export interface ChildProgram {
  readonly role: 'vrrp' | 'check' | 'script'
  readonly args: readonly string[]
  /** Options of Node. */
  readonly execArgv: readonly string[]
  readonly pulse: Pulse
}

export interface ChildEvents<In> {
  /** A new process is there; it knows nothing yet. */
  started(): void
  message(message: In): void
  /** It will be started again after `delayMs`; it had not worked for `silentMs` before. */
  died(how: string, delayMs: number, silentMs: number): void
}

/** A child that is silent for so long could not even be killed. Starting again and again is no reason to end the others. */
const WELL_WITHIN_MS = 20_000

/**
 * Keeps one child process running: at once after the first failure, then after 1, 2, 4 … 30 seconds while it keeps
 * failing. One that hangs is killed. `In` is what it sends.
 */
export class Child<Out extends object, In extends { readonly type: string }> {
  readonly #program: ChildProgram
  readonly #events: ChildEvents<In>
  #process: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  #failures = 0
  #stopping = false
  readonly #silence: Silence
  readonly #watch: NodeJS.Timeout
  /** Why it was killed by us. */
  #killed: { readonly why: string; readonly silentMs: number } | undefined
  restarts = 0
  /** How the process before this one came to its end. */
  lastEnd: string | undefined

  constructor(program: ChildProgram, events: ChildEvents<In>) {
    this.#program = program
    this.#events = events
    this.#silence = new Silence(program.pulse)
    this.#watch = setInterval(() => this.#turn(), program.pulse.everyMs)
    this.#start()
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Whether it works, or is being replaced. */
  get isWell(): boolean {
    return this.#silence.ms < WELL_WITHIN_MS
  }

  send(message: Out): void {
    if (this.#process?.connected === true) this.#process.send(message)
  }

  /** Resolves when the kernel has the message: it will be read even if this process is another one by then. */
  async deliver(message: Out): Promise<void> {
    const child = this.#process
    if (child?.connected === true) await new Promise<void>((resolve) => child.send(message, () => resolve()))
  }

  /** For one that ends when its parent has nothing more to say. */
  disconnect(): void {
    if (this.#process?.connected === true) this.#process.disconnect()
  }

  /**
   * Does not start it again any more. Resolves when the process is gone, killed after `patienceMs` if need be: true when it has ended
   * in order, false also when there was none.
   */
  async stop(patienceMs: number): Promise<boolean> {
    this.#stopping = true
    clearTimeout(this.#timer)
    clearInterval(this.#watch)
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false
    return await new Promise<boolean>((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      child.once('exit', (code) => {
        clearTimeout(kill)
        resolve(code === 0)
      })
    })
  }

  #start(): void {
    const { role, args, execArgv } = this.#program
    const path = fileURLToPath(new URL(`./${role}/${role}-process${extname(import.meta.url)}`, import.meta.url))
    const child = fork(path, args, { execArgv: [...execArgv] })
    this.#process = child
    this.#startedAt = performance.now()
    this.#killed = undefined
    this.#silence.begin()
    // fork's channel carries what the other end's typed `send` was given.
    child.on('message', (message) => this.#heard(message as In | Alive))
    child.on('error', (error) => {
      if (child.pid === undefined) this.#exited(error.message) // never started, so there will be no exit
    })
    child.once('exit', (code, signal) => this.#exited(signal ?? `exit status ${code}`))
    this.#events.started()
  }

  #heard(message: In | Alive): void {
    this.#silence.heard()
    if (!isAlive(message)) this.#events.message(message)
  }

  #turn(): void {
    const child = this.#process
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    if (!this.#silence.turn() || this.#killed !== undefined) return
    const silentMs = this.#silence.ms
    this.#killed = { why: `it hung: no sign of life for ${silentMs / 1000} s`, silentMs }
    child.kill('SIGKILL')
  }

  #exited(ended: string): void {
    if (this.#stopping) return
    const { why: how, silentMs } = this.#killed ?? { why: ended, silentMs: 0 }
    this.lastEnd = how
    if (performance.now() - this.#startedAt > HEALTHY_AFTER_MS) this.#failures = 0
    const delay = this.#failures === 0 ? 0 : Math.min(LONGEST_DELAY_MS, 500 * 2 ** this.#failures)
    this.#failures++
    this.restarts++
    this.#events.died(how, delay, silentMs)
    if (delay === 0) this.#start()
    else this.#timer = setTimeout(() => this.#start(), delay)
  }
}

const isAlive = (message: { readonly type: string }): message is Alive => message.type === 'alive'
