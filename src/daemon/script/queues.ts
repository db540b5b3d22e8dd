import type { CommandOrder } from '../../notify/orders.ts'
import type { CommandRun } from '../messages.ts'
import { commandRun, type Commands, type RunningCommand } from './command.ts'
import { inWords } from './duration.ts'

/** Commands that wait in a queue. For one more the oldest gives way: what is newest is what counts. */
export const MOST_WAITING = 100
/** Commands of all queues that run at a time. */
export const MOST_RUNNING = 64
/**
 * How long a command may keep others waiting. One that nobody waits for takes its time, as under keepalived: a database that is made
 * primary, or a file system that is checked, may need minutes, and ended in the middle it does harm. But when the state has changed again,
 * who is not told of it for longer than this is as bad as one that fails.
 */
export const KEEPS_WAITING_MS = 60_000

/** How long an end by force may take: that of `RunningCommand.stop`, and some more. */
export const KILLED_WITHIN_MS = 3000

interface Waiting extends CommandOrder {
  /** Those of the configuration that gave the order. */
  readonly commands: Commands
}

interface Queue {
  /** BOUNDED by `MOST_WAITING`. */
  readonly waiting: Waiting[]
  running: { readonly run: RunningCommand; readonly since: number; limit: NodeJS.Timeout | undefined } | undefined
  /** Not run because too many waited, since it was last empty. */
  dropped: number
}

export interface QueueEvents {
  ran(run: CommandRun): void
  /** For the first one of a queue, until that is empty again. */
  overflowed(queue: string): void
  /** The queue is empty again, and so many have not been run. */
  caughtUp(queue: string, dropped: number): void
}

/** Runs commands: those of one queue one after the other in their order, those of different queues side by side. */
export class Queues {
  readonly #events: QueueEvents
  readonly #limitMs: number
  /** In the order in which they began to wait. A queue is only here as long as there is something in it. */
  readonly #queues = new Map<string, Queue>()
  #running = 0
  #idle: (() => void)[] = []

  constructor(events: QueueEvents, limitMs = KEEPS_WAITING_MS) {
    this.#events = events
    this.#limitMs = limitMs
  }

  add(order: CommandOrder, commands: Commands): void {
    const queue = this.#queues.get(order.queue) ?? { waiting: [], running: undefined, dropped: 0 }
    this.#queues.set(order.queue, queue)
    queue.waiting.push({ ...order, commands })
    if (queue.waiting.length > MOST_WAITING) {
      queue.waiting.shift()
      queue.dropped++
      if (queue.dropped === 1) this.#events.overflowed(order.queue)
    }
    this.#turn()
  }

  /** Resolves when nothing runs or waits; after `withinMs` what waits is given up, and what runs is ended. */
  async finish(withinMs: number): Promise<void> {
    if (this.#queues.size === 0) return
    const limit = setTimeout(() => {
      for (const { waiting, running } of this.#queues.values()) {
        waiting.length = 0
        running?.run.stop('the time that there was for it at the stop')
      }
    }, withinMs)
    let patience: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
      // One that hangs in the kernel does not end by any signal.
      patience = setTimeout(resolve, withinMs + KILLED_WITHIN_MS)
    })
    clearTimeout(limit)
    clearTimeout(patience)
  }

  /** Starts what can be started, and sets limits to what keeps others waiting. */
  #turn(): void {
    for (const [name, queue] of this.#queues) {
      if (queue.running === undefined && this.#running < MOST_RUNNING) this.#next(name, queue)
    }
    const isFull = this.#running >= MOST_RUNNING
    const waitsForPlace = isFull && [...this.#queues.values()].some(({ running }) => running === undefined)
    for (const { running, waiting } of this.#queues.values()) {
      if (running === undefined || running.limit !== undefined) continue
      if (waiting.length === 0 && !waitsForPlace) continue
      const left = running.since + this.#limitMs - performance.now()
      const why = `${inWords(this.#limitMs)}, because others wait for it`
      running.limit = setTimeout(() => running.run.stop(why), Math.max(0, left))
    }
  }

  #next(name: string, queue: Queue): void {
    const order = queue.waiting.shift()
    if (order === undefined) return
    const { command, args, commands } = order
    const run = commands.start(command, args)
    queue.running = { run, since: performance.now(), limit: undefined }
    this.#running++
    void this.#afterEnd(name, queue, order, run)
  }

  async #afterEnd(name: string, queue: Queue, { command, args }: Waiting, run: RunningCommand): Promise<void> {
    const ended = await run.ended
    clearTimeout(queue.running?.limit)
    queue.running = undefined
    this.#running--
    this.#events.ran(commandRun(name, [...command.argv, ...args], ended))
    this.#queues.delete(name)
    // Behind the others, so that all get their turn.
    if (queue.waiting.length > 0) this.#queues.set(name, queue)
    else if (queue.dropped > 0) this.#events.caughtUp(name, queue.dropped)
    this.#turn()
    if (this.#queues.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
