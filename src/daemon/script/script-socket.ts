import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { THE_REQUEST } from '../../control/decode.ts'
import { peerOf } from '../../linux/peer.ts'
import type { Alive, FromScript, ToScript } from '../messages.ts'
import { PULSES } from '../pulse.ts'
import { LineReader } from './line-reader.ts'
import { toScript } from './to-script.ts'

/** Bytes of a message. */
export const LONGEST_LINE = 16 * 1024 * 1024
/** What waits for a director that does not read. Beyond it the connection ends; the next one is told all that is known. */
const BACKLOG_BYTES = 8 * 1024 * 1024

/**
 * Where a director that is no parent of this process speaks to it: the messages of their channel, as a line of JSON each, on a Unix socket
 * that is root's. One director at a time; what runs goes on while there is none.
 */
export class ScriptSocket {
  readonly #server: Server
  readonly #log: Logger
  readonly #take: (message: ToScript) => void
  #director: Socket | undefined

  /** The folder exists. What is at `path` is removed. `listening` is called when a director can connect. */
  constructor(path: string, take: (message: ToScript) => void, listening: () => void, log: Logger) {
    this.#take = take
    this.#log = log
    rmSync(path, { force: true }) // left behind by a crash
    this.#server = createServer((socket) => this.#admit(socket))
    const mask = process.umask(0o177)
    this.#server.listen(path, listening) // the file is made before this returns
    process.umask(mask)
    chmodSync(path, 0o600)
    const alive: Alive = { type: 'alive' }
    setInterval(() => this.#write(alive), PULSES.script.everyMs)
  }

  send(message: FromScript): void {
    this.#write(message)
  }

  close(): void {
    this.#server.close()
    this.#director?.destroy()
  }

  #write(message: FromScript | Alive): void {
    const director = this.#director
    if (director === undefined) return
    director.write(`${JSON.stringify(message)}\n`)
    if (director.writableLength > BACKLOG_BYTES) this.#drop(director, 'it does not read')
  }

  #admit(socket: Socket): void {
    socket.on('error', () => {}) // 'close' follows
    const refusal = this.#refusalOf(socket)
    if (refusal !== undefined) {
      this.#drop(socket, refusal)
      return
    }
    this.#director = socket
    const reader = new LineReader(LONGEST_LINE)
    socket.on('data', (bytes) => {
      try {
        for (const line of reader.add(bytes)) this.#take(toScript(JSON.parse(line), THE_REQUEST))
      } catch (error) {
        this.#drop(socket, error instanceof Error ? error.message : String(error))
      }
    })
    socket.once('close', () => {
      if (this.#director === socket) this.#director = undefined
    })
  }

  #refusalOf(socket: Socket): string | undefined {
    if (this.#director !== undefined) return 'there is one already'
    try {
      const { uid } = peerOf(socket)
      return uid === 0 ? undefined : `it belongs to user ${uid}`
    } catch (error) {
      return String(error)
    }
  }

  #drop(socket: Socket, why: string): void {
    this.#log.error(`the connection of a director is closed: ${why}`)
    if (this.#director === socket) this.#director = undefined
    socket.destroy()
  }
}
