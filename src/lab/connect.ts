import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Millis, millis } from '../time.ts'
import {
  type Answer,
  type AnswerBody,
  LONGEST_LINE,
  type Message,
  type Request,
  type RequestBody,
} from './agent-protocol.ts'
import { ClockOffset } from './clock-offset.ts'
import { Lines } from './lines.ts'
import { monotonicNow } from './monotonic.ts'
import type { Place, Ran, StartOptions, Undoable, Undone, Working } from './place.ts'

export interface ConnectOptions {
  /** What is started behind the prefix, such as `tanist drill agent`; without: the agent of this very program, by its path. */
  readonly command?: readonly string[]
  /** After so long without a word from here the place undoes all; and after so long without one from there it is lost. 15 s without. */
  readonly deadMan?: Millis
  /** How long it may take to be there. 30 s without. */
  readonly patience?: Millis
  /** Gets what the prefix and the agent write as errors, and what was not told. */
  readonly onNotice?: (text: string) => void
  /** It was connected, and is lost now, also when nobody waits for an answer. */
  readonly onLost?: (error: LostPlaceError) => void
}

/** The connection to a place is lost, or never was there. Its agent undoes by itself what is left. */
export class LostPlaceError extends Error {
  readonly place: string

  constructor(place: string, why: string) {
    super(`${place} is lost: ${why}`)
    this.name = 'LostPlaceError'
    this.place = place
  }
}

const DEAD_MAN: Millis = millis(15_000)
const PATIENCE: Millis = millis(30_000)
const MOST_PING: Millis = millis(2000)
/** So many pings fit into the time after which nobody is there. */
const PINGS_IN_SILENCE = 5
/** Round trips at the beginning, of which the shortest one tells the clock. */
const FIRST_PINGS = 8
/** BOUNDED: requests without an answer, and bytes that the other end has not read. */
const MOST_REQUESTS = 1024
const ROOM = 1 << 26
const RUN_LIMIT: Millis = millis(30_000)
/** Of what is written as errors, the end. */
const LAST_WORDS = 1000
/** From the end of the prefix until somebody behind it has closed its errors. */
const LAST_WORDS_MS = 200
const END_PATIENCE_MS = 5000
const OWN_AGENT = fileURLToPath(new URL(`agent-process${extname(import.meta.url)}`, import.meta.url))

/**
 * Starts an agent by a prefix, such as `ssh host` or `nsenter --net=FILE --`, which may be empty: then the place is this machine. Rejects
 * with a LostPlaceError when it cannot be reached. The prefix cannot ask for passwords: it has no terminal.
 */
export async function connectPlace(
  name: string,
  prefix: readonly string[],
  options: ConnectOptions = {},
): Promise<Place> {
  const connection = new Connection(name, [...prefix, ...(options.command ?? [process.execPath, OWN_AGENT])], options)
  await connection.begin(options.patience ?? PATIENCE)
  return connection
}

type Waiting = PromiseWithResolvers<AnswerBody> & { readonly askedAt: Millis }

class Connection implements Place {
  readonly name: string
  readonly #agent: ChildProcess
  readonly #deadMan: Millis
  readonly #onNotice: (text: string) => void
  readonly #onLost: (error: LostPlaceError) => void
  readonly #waiting = new Map<number, Waiting>()
  /** By the number of the request. */
  readonly #listeners = new Map<number, (told: unknown, at: Millis) => void>()
  readonly #offset = new ClockOffset()
  #nextId = 1
  /** Not before it was heard once: it may begin late. */
  #heardAt: Millis = millis(Infinity)
  #words = ''
  #lost: LostPlaceError | undefined
  #closed: Promise<readonly Undone[]> | undefined
  readonly #pulse: NodeJS.Timeout

  constructor(name: string, [file = '', ...args]: readonly string[], { deadMan, onNotice, onLost }: ConnectOptions) {
    this.name = name
    this.#deadMan = deadMan ?? DEAD_MAN
    this.#onNotice = onNotice ?? (() => {})
    this.#onLost = onLost ?? (() => {})
    // Not of our terminal's group: who interrupts us leaves us the time to end in order.
    this.#agent = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    const { stdin, stdout, stderr } = this.#agent
    const lines = new Lines(LONGEST_LINE, (line) => this.#read(line))
    stdout?.on('data', (piece: Buffer) => lines.take(piece))
    const notices = new Lines(LAST_WORDS, (line) => {
      this.#words = `${this.#words}${line}\n`.slice(-LAST_WORDS)
      this.#onNotice(line)
    })
    stderr?.on('data', (piece: Buffer) => notices.take(piece))
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => {})
    this.#agent.on('error', (error) => this.#lose(error.message))
    this.#agent.once('exit', (code, signal) => {
      // The agent may live on behind a prefix that has ended; what it says now is no answer any more.
      stdout?.destroy()
      const lose = () => {
        clearTimeout(patience)
        notices.end()
        this.#lose(`${file} has ended, ${signal ?? `status ${code}`}`)
      }
      const patience = setTimeout(lose, LAST_WORDS_MS)
      this.#agent.once('close', lose)
    })
    this.#pulse = setInterval(() => this.#beat(), Math.min(MOST_PING, this.#deadMan / PINGS_IN_SILENCE))
  }

  async begin(patience: Millis): Promise<void> {
    const late = setTimeout(() => this.#lose(`no answer within ${patience} ms`), patience)
    try {
      for (let i = 0; i < FIRST_PINGS; i++) await this.#ping()
    } finally {
      clearTimeout(late)
    }
  }

  async run(argv: readonly string[], limit: Millis = RUN_LIMIT): Promise<Ran> {
    const { ran } = await this.#ask({ type: 'run', argv, limit }, 'ran')
    return ran
  }

  change(argv: readonly string[], limit?: Millis): Promise<Ran> {
    return this.run(argv, limit)
  }

  async start(argv: readonly string[], options: StartOptions = {}): Promise<number> {
    const { log, env = {}, staysAlive = false, onLine } = options
    const listener = onLine && ((line: unknown, at: Millis) => onLine(String(line), at))
    const body = { type: 'start', argv, log, env, staysAlive, tellsLines: onLine !== undefined } as const
    const { pid } = await this.#ask(body, 'started', listener)
    return pid
  }

  async act(step: Undoable): Promise<{ readonly ran: Ran; readonly handle: number }> {
    const { ran, handle } = await this.#ask({ type: 'act', step }, 'acted')
    return { ran, handle }
  }

  async undo(handle: number): Promise<Ran> {
    const { ran } = await this.#ask({ type: 'undo', handle }, 'ran')
    return ran
  }

  async work(
    program: string,
    args: readonly string[],
    onEvent: (event: unknown, at: Millis) => void = () => {},
  ): Promise<Working> {
    const worker = this.#nextId
    await this.#ask({ type: 'work', program, args }, 'works', onEvent)
    return {
      ask: async (question) => (await this.#ask({ type: 'ask', worker, question }, 'answered')).answer,
      end: async () => {
        await this.#ask({ type: 'end', worker }, 'ended')
        this.#listeners.delete(worker)
      },
    }
  }

  close(): Promise<readonly Undone[]> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  here(at: Millis): Millis {
    return this.#offset.here(at)
  }

  async #close(): Promise<readonly Undone[]> {
    const { undone } = await this.#ask({ type: 'close' }, 'closed')
    this.#lost = new LostPlaceError(this.name, 'it was closed')
    clearInterval(this.#pulse)
    if (this.#agent.exitCode === null && this.#agent.signalCode === null) {
      const ended = once(this.#agent, 'exit')
      this.#agent.stdin?.end()
      const late = setTimeout(() => this.#agent.kill('SIGKILL'), END_PATIENCE_MS)
      await ended
      clearTimeout(late)
    }
    this.#forget(this.#lost)
    return undone
  }

  /** `listener` gets what is told unasked because of this request. Rejects with what the agent refuses, or a LostPlaceError. */
  async #ask<T extends AnswerBody['type']>(
    body: RequestBody,
    wanted: T,
    listener?: (told: unknown, at: Millis) => void,
  ): Promise<AnswerBody & { readonly type: T }> {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#waiting.size >= MOST_REQUESTS || (this.#agent.stdin?.writableLength ?? 0) > ROOM) {
      throw new Error(`${this.name}: too many requests at a time`)
    }
    const id = this.#nextId++
    const line = `${JSON.stringify({ id, ...body } satisfies Request)}\n`
    if (Buffer.byteLength(line) > LONGEST_LINE) throw new Error(`${this.name}: a request of ${line.length} characters`)
    const waiting = { ...Promise.withResolvers<AnswerBody>(), askedAt: monotonicNow() }
    this.#waiting.set(id, waiting)
    if (listener !== undefined) this.#listeners.set(id, listener)
    this.#agent.stdin?.write(line)
    const answer = await waiting.promise
    if (answer.type === wanted) return answer as AnswerBody & { readonly type: T }
    this.#listeners.delete(id)
    throw new Error(`${this.name}: ${answer.type === 'refused' ? answer.reason : `answered ${answer.type}`}`)
  }

  async #ping(): Promise<void> {
    await this.#ask({ type: 'ping', deadMan: this.#deadMan }, 'pong')
  }

  #beat(): void {
    const isSilent = () => monotonicNow() - this.#heardAt > this.#deadMan
    // Who was kept from its turn first reads what has come in the meantime.
    if (isSilent()) setImmediate(() => isSilent() && this.#lose(`nothing was heard for ${this.#deadMan} ms`))
    else this.#ping().catch(() => {}) // whoever waits for something is told
  }

  #read(line: string): void {
    let message: Message
    try {
      message = JSON.parse(line) as Message
    } catch {
      // A login may greet before.
      this.#onNotice(line.slice(0, LAST_WORDS))
      return
    }
    this.#heardAt = monotonicNow()
    switch (message.type) {
      case 'line':
        this.#listeners.get(message.of)?.(message.line, this.here(message.at))
        break
      case 'event':
        this.#listeners.get(message.of)?.(message.event, this.here(message.at))
        break
      case 'skipped':
        this.#onNotice(`${this.name} was too busy to tell ${message.count} events`)
        break
      case 'pong':
      case 'ran':
      case 'started':
      case 'acted':
      case 'works':
      case 'answered':
      case 'ended':
      case 'closed':
      case 'refused':
        this.#answered(message)
        break
    }
  }

  #answered(message: Message & Answer): void {
    const waiting = this.#waiting.get(message.id)
    if (waiting === undefined) return
    this.#waiting.delete(message.id)
    if (message.type === 'pong') this.#offset.add(waiting.askedAt, message.now, this.#heardAt)
    waiting.resolve(message)
  }

  #lose(why: string): void {
    if (this.#lost !== undefined) return
    const words = this.#words.trim()
    this.#lost = new LostPlaceError(this.name, words === '' ? why : `${why}: ${words}`)
    clearInterval(this.#pulse)
    this.#agent.kill('SIGKILL')
    this.#forget(this.#lost)
    if (this.#closed === undefined) this.#onLost(this.#lost)
  }

  #forget(why: LostPlaceError): void {
    for (const { reject } of this.#waiting.values()) reject(why)
    this.#waiting.clear()
    this.#listeners.clear()
  }
}
