import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Alive } from './messages.ts'
import { millis } from '../time.ts'
import { type Pulse, Silence } from './pulse.ts'
import { RestartDelay } from './restart-delay.ts'

/** Options of Node; sizes in MB. No debugger by SIGUSR1. Small heaps; code that runs once a second is not compiled anew each time. */
const optionsWithHeap = (old: number, young: number) => [
  '--disable-sigusr1',
  `--max-old-space-size=${old}`,
  `--max-semi-space-size=${young}`,
  '--no-flush-bytecode',
]

export const CHILD_OPTIONS = optionsWithHeap(64, 1)

/**
 * For a child that needs the more the longer the configuration is: 37 000 real servers take 320 MB to read, and 65 536 checks 110 MB. What a
 * probe needs dies young only where there is room for all that are under way: with 1 MB, 10 000 of them a second cost half as much again.
 */
export const ROOMY_CHILD_OPTIONS = optionsWithHeap(1024, 8)

/** How a child process is started. */
export interface ChildProgram {
  readonly role: 'vrrp' | 'check' | 'script'
  readonly args: () => readonly string[]
  /** Options of Node. */
  readonly execArgv: readonly string[]
  readonly pulse: Pulse
}

export interface ChildEvents<In> {
  /** A new process is there; it knows nothing yet. */
  started(): void
  message(message: In): void
  /** The one that another was to take the place of has ended, and the other one starts. */
  replaced?(): void
  /** It will be started again after `delayMs`; it had not worked for `silentMs` before. */
  died(how: string, delayMs: number, silentMs: number): void
}

/** A child that is silent for so long could not even be killed. Starting again and again is no reason to end the others. */
const WELL_WITHIN_MS = 20_000

/** Keeps one child process running. One that hangs is killed. `In` is what it sends. */
export class Child<Out extends object, In extends { readonly type: string }> {
  readonly #program: ChildProgram
  readonly #events: ChildEvents<In>
  #process: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  readonly #restartDelay = new RestartDelay()
  #stopping = false
  /** The process that runs is about to end, and is told nothing more. */
  #leaving = false
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
    if (!this.#leaving && this.#process?.connected === true) this.#process.send(message)
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

  /** Another process takes the place of the one that runs, as soon as that one has ended, for which `last` asks it. */
  replace(last: Out): void {
    this.send(last)
    this.#leaving = true
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
    const child = fork(path, args(), { execArgv: [...execArgv] })
    this.#process = child
    this.#startedAt = performance.now()
    this.#killed = undefined
    this.#leaving = false
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
    if (this.#leaving) {
      this.#events.replaced?.()
      this.#start()
      return
    }
    const { why: how, silentMs } = this.#killed ?? { why: ended, silentMs: 0 }
    this.lastEnd = how
    const now = millis(performance.now())
    const { hasSpoken: hasWorked } = this.#silence
    const delay = this.#restartDelay.ended({ now, lived: millis(now - this.#startedAt), hasWorked })
    this.restarts++
    this.#events.died(how, delay, silentMs)
    if (delay === 0) this.#start()
    else this.#timer = setTimeout(() => this.#start(), delay)
  }
}

const isAlive = (message: unknown): message is Alive =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'alive'
