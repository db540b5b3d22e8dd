import { setTimeout as sleep } from 'node:timers/promises'
import type { Fifo } from '../../model/notify.ts'
import type { LineOrder } from '../../notify/orders.ts'
import type { CommandRun } from '../messages.ts'
import type { Commands } from './command.ts'
import { PipeHandler } from './pipe-handler.ts'
import { type PipeEvents, PipeWriter } from './pipe-writer.ts'

/** How long a handler may take to read what has been written before its end. */
const READ_MS = 1000
const LOOK_MS = 20

interface Pipe {
  /** As the configuration has it: the same goes on over a reload, with what is in it. */
  readonly wanted: string
  readonly writer: PipeWriter
  readonly handler: PipeHandler | undefined
}

export interface PipesEvents extends PipeEvents {
  ran(run: CommandRun): void
  /** There is no such pipe, for that reason; it is tried again at the next reload. */
  failed(path: string, reason: string): void
}

/** All named pipes of a configuration. */
export class Pipes {
  readonly #events: PipesEvents
  readonly #pipes = new Map<string, Pipe>()

  constructor(events: PipesEvents) {
    this.#events = events
  }

  async configure(fifos: readonly Fifo[], commands: Commands): Promise<void> {
    const wanted = new Map<string, Fifo>()
    for (const fifo of fifos) {
      const before = wanted.get(fifo.path)
      // keepalived ignores the second of two pipes of one name; one handler is enough.
      wanted.set(fifo.path, before === undefined ? fifo : { ...before, handler: before.handler ?? fifo.handler })
    }
    for (const [path, pipe] of this.#pipes) {
      const same = wanted.get(path)
      if (same !== undefined && definition(same) === pipe.wanted) continue
      await this.#close(path, pipe, true)
    }
    for (const fifo of wanted.values()) {
      if (!this.#pipes.has(fifo.path)) await this.#open(fifo, commands)
    }
  }

  write({ path, subject, line }: LineOrder): void {
    this.#pipes.get(path)?.writer.write(subject, line)
  }

  /** Resolves when their handlers have gone. `remove`: also the names of those that were made here. */
  async end(remove: boolean): Promise<void> {
    await Promise.all([...this.#pipes].map(([path, pipe]) => this.#close(path, pipe, remove)))
  }

  async #open(fifo: Fifo, commands: Commands): Promise<void> {
    const { path, user, group, handler } = fifo
    try {
      const owner = user === undefined ? undefined : await commands.identities.of({ user, group })
      if (owner !== undefined && 'error' in owner) throw new Error(owner.error)
      const writer = new PipeWriter(path, owner, this.#events)
      const reader = handler && new PipeHandler(handler, path, commands, (run) => this.#events.ran(run))
      this.#pipes.set(path, { wanted: definition(fifo), writer, handler: reader })
    } catch (error) {
      this.#events.failed(path, error instanceof Error ? error.message : String(error))
    }
  }

  async #close(path: string, { writer, handler }: Pipe, remove: boolean): Promise<void> {
    this.#pipes.delete(path)
    if (handler !== undefined) await hasRead(handler, writer)
    // A reader finds its end behind the last line.
    writer.close(remove)
    await handler?.end()
  }
}

async function hasRead(handler: PipeHandler, writer: PipeWriter): Promise<void> {
  for (let waited = 0; waited < READ_MS; waited += LOOK_MS) {
    if (writer.isRead || !handler.isRunning) return
    await sleep(LOOK_MS)
  }
}

const definition = ({ user, group, handler }: Fifo): string => JSON.stringify([user, group, handler])
