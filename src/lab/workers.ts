import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Millis } from '../time.ts'
import type { FromProgram, ToProgram } from './agent-protocol.ts'

/** BOUNDED: questions that a program has not answered yet. */
const MOST_QUESTIONS = 256
/** Of what it writes as errors, the end. */
const LAST_WORDS = 2000
/** From being let go to its end by force. */
const END_PATIENCE_MS = 1000
/** From its end until its last errors are read. */
const WORDS_PATIENCE_MS = 200

/** A program of `programs/`, forked with a channel for messages. It ends by itself when the channel is closed, and so with this process. */
export class Worker {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #ended: Promise<void>
  readonly #ready = Promise.withResolvers<void>()
  #nextId = 0
  #words = ''
  #end: string | undefined

  private constructor(name: string, args: readonly string[], onEvent: (event: unknown, at: Millis) => void) {
    this.#name = name
    const path = fileURLToPath(new URL(`programs/${name}${extname(import.meta.url)}`, import.meta.url))
    if (!/^[a-z-]+$/.test(name) || !existsSync(path)) throw new Error(`there is no program ${name}`)
    this.#child = fork(path, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child.stderr?.on('data', (piece: Buffer) => (this.#words = (this.#words + piece).slice(-LAST_WORDS)))
    this.#child.on('message', (message: FromProgram) => this.#take(message, onEvent))
    this.#child.on('error', (error) => this.#fail(error.message))
    this.#ended = this.#awaitEnd()
  }

  async #awaitEnd(): Promise<void> {
    const errorsEnd = this.#child.stderr === null ? undefined : once(this.#child.stderr, 'close')
    // Not `close`: Node does not tell it of one that was let go.
    const [code, signal] = (await once(this.#child, 'exit').catch(() => [])) as [number?, NodeJS.Signals?]
    await Promise.race([errorsEnd, sleep(WORDS_PATIENCE_MS)])
    this.#fail(`it has ended, ${signal ?? `status ${code}`}${this.#words === '' ? '' : `: ${this.#words.trim()}`}`)
  }

  /** Rejects when it ends before it works. */
  static async start(
    name: string,
    args: readonly string[],
    onEvent: (event: unknown, at: Millis) => void,
  ): Promise<Worker> {
    const worker = new Worker(name, args, onEvent)
    await worker.#ready.promise
    return worker
  }

  /** Rejects when it fails to answer, has ended, or ends. */
  async ask(question: unknown): Promise<unknown> {
    if (this.#end !== undefined) throw new Error(`${this.#name}: ${this.#end}`)
    if (this.#waiting.size >= MOST_QUESTIONS) throw new Error(`${this.#name}: too many questions`)
    const id = this.#nextId++
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    // One that has just ended fails all that wait, when that is known.
    this.#child.send({ id, question } satisfies ToProgram, () => {})
    return await answer.promise
  }

  async end(): Promise<void> {
    if (this.#end !== undefined) return
    if (this.#child.connected) this.#child.disconnect()
    const late = setTimeout(() => this.#child.kill('SIGKILL'), END_PATIENCE_MS)
    await this.#ended
    clearTimeout(late)
  }

  #take(message: FromProgram, onEvent: (event: unknown, at: Millis) => void): void {
    switch (message.type) {
      case 'ready':
        this.#ready.resolve()
        break
      case 'event':
        onEvent(message.event, message.at)
        break
      case 'answer':
        this.#waiting.get(message.id)?.resolve(message.answer)
        this.#waiting.delete(message.id)
        break
      case 'failed':
        this.#waiting.get(message.id)?.reject(new Error(`${this.#name}: ${message.reason}`))
        this.#waiting.delete(message.id)
        break
    }
  }

  #fail(why: string): void {
    this.#end ??= why
    const error = new Error(`${this.#name}: ${why}`)
    this.#ready.reject(error)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
