import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { THE_REQUEST } from '../../control/decode.ts'
import { peerOf } from '../../linux/peer.ts'
import { type Millis, millis } from '../../time.ts'
import type { FromScript, Hello, ToScript } from '../messages.ts'
import { LineReader, LONGEST_LINE } from './line-reader.ts'
import { ScriptService, type ScriptServiceOptions } from './script-service.ts'
import { toScript } from './to-script.ts'

export interface ScriptServerOptions extends ScriptServiceOptions {
  readonly version: string
}

/** Only root may say what has happened. */
const OTHERS = 0o177

/** How long a director may be away, for a restart after a crash, before nobody needs this process. */
const AWAY = millis(60_000)

/** BOUNDED: bytes that a director has not read yet. With more it is given up, and finds all that is known when it comes back. */
const UNREAD_LIMIT = 1 << 20

/**
 * The script process for a director that is not its parent: one connection, one JSON text a line each way. What it knows outlives
 * a connection. The newest director is the one; only root's counts.
 */
export class ScriptServer {
  readonly #log: Logger
  readonly #hello: Hello
  readonly #service: ScriptService
  readonly #server: Server
  readonly #away: Millis
  #director: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #isFinished = false
  #onEnd: () => void = () => {}
  /** Resolves when the director has finished with it, or has been away for too long. */
  readonly ended = new Promise<void>((resolve) => (this.#onEnd = resolve))

  constructor({ version, ...options }: ScriptServerOptions, log: Logger, away: Millis = AWAY) {
    this.#log = log
    this.#away = away
    this.#hello = { type: 'hello', pid: process.pid, version }
    this.#service = new ScriptService(options, (message) => this.#write(message), log)
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /** `where`: descriptor of a socket that listens, or the path for one. Throws when that is not possible. */
  async listen(where: number | string): Promise<void> {
    const mask = process.umask(OTHERS)
    this.#server.listen(typeof where === 'number' ? { fd: where } : { path: where })
    process.umask(mask)
    await once(this.#server, 'listening')
  }

  /** What has been told is done, in `withinMs` at most. */
  async leave(withinMs: number): Promise<void> {
    this.#server.close()
    await this.#service.leave(withinMs)
    this.#director?.destroy()
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}) // 'close' follows
    const { uid } = peerOf(socket)
    if (uid !== 0) {
      this.#drop(socket, `it belongs to user ${uid}`)
      return
    }
    const before = this.#director
    this.#director = socket
    before?.destroy()
    clearTimeout(this.#timer)
    this.#log.info('a director is here')
    this.#write(this.#hello)
    const reader = new LineReader(LONGEST_LINE)
    socket.on('data', (bytes) => {
      try {
        for (const line of reader.add(bytes)) this.#take(toScript(JSON.parse(line), THE_REQUEST))
      } catch (error) {
        this.#drop(socket, error instanceof Error ? error.message : String(error))
      }
    })
    socket.on('close', () => {
      if (this.#director === socket) this.#lost()
    })
  }

  #drop(socket: Socket, why: string): void {
    this.#log.error(`the connection of a director is closed: ${why}`)
    socket.destroy()
  }

  #take(message: ToScript): void {
    if (message.type === 'finish') {
      // The next director is for the next process.
      this.#isFinished = true
      this.#server.close()
    }
    this.#service.take(message)
  }

  #lost(): void {
    this.#director = undefined
    if (this.#isFinished) {
      this.#onEnd()
      return
    }
    this.#log.warn('the director is gone; until another one is there, the trackers go on')
    this.#timer = setTimeout(() => {
      this.#log.warn(`no director for ${this.#away / 1000} s`)
      this.#onEnd()
    }, this.#away)
  }

  #write(message: FromScript | Hello): void {
    const socket = this.#director
    if (socket === undefined || socket.destroyed) return
    socket.write(`${JSON.stringify(message)}\n`)
    if (socket.writableLength > UNREAD_LIMIT) this.#drop(socket, 'it does not read')
  }
}
