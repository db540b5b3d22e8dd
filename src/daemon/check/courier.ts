import {
  type Delivery,
  delivered,
  dueAt,
  emptyQueue,
  next,
  put,
  type Queue,
  type QueueRules,
} from '../../notify/queue.ts'
import { type Millis, millis } from '../../time.ts'

/** Sends one thing. `dropped`: how many were given up before it. Does not throw. */
export type Deliver<T> = (item: T, dropped: number) => Promise<Delivery>

/** setTimeout's limit. */
const LONGEST_WAIT = 2 ** 31 - 1

/** Owns the clock of a queue: has things delivered one by one, and failed ones again after their pause. */
export class Courier<T> {
  readonly #deliver: Deliver<T>
  readonly #rules: QueueRules
  /** Told of each thing that is delivered or given up. */
  readonly #settled: (item: T) => void
  #queue: Queue<T> = emptyQueue
  #timer: NodeJS.Timeout | undefined
  #onIdle: (() => void) | undefined

  constructor(deliver: Deliver<T>, rules: QueueRules, settled: (item: T) => void) {
    this.#deliver = deliver
    this.#rules = rules
    this.#settled = settled
  }

  put(item: T): void {
    this.#change(put(this.#queue, item, clock(), this.#rules))
    this.#turn()
  }

  /** Tries the next one without a pause: something has changed. */
  hurry(): void {
    this.#queue = { ...this.#queue, failures: 0, retryAt: undefined }
    this.#turn()
  }

  /** Tries everything once more, without a pause. Resolves when all is sent, or when something cannot be. */
  async finish(): Promise<void> {
    if (this.#queue.waiting.length === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.hurry()
    })
  }

  /** Nothing is tried any more. What is on its way goes on. */
  close(): void {
    clearTimeout(this.#timer)
    this.#change(emptyQueue)
  }

  #turn(): void {
    clearTimeout(this.#timer)
    const now = clock()
    const { queue, send } = next(this.#queue, now, this.#rules)
    this.#change(queue)
    if (send !== undefined) {
      void this.#send(send.item, send.dropped)
      return
    }
    const due = dueAt(this.#queue)
    if (due !== undefined) this.#timer = setTimeout(() => this.#turn(), Math.min(Math.max(0, due - now), LONGEST_WAIT))
    else if (!this.#queue.sending) this.#onIdle?.()
  }

  async #send(item: T, dropped: number): Promise<void> {
    const delivery = await this.#deliver(item, dropped)
    // It was closed, and perhaps filled anew, meanwhile.
    if (this.#queue.waiting[0]?.item !== item) return
    this.#change(delivered(this.#queue, delivery, dropped, clock(), this.#rules))
    if (delivery !== 'done') this.#onIdle?.()
    this.#turn()
  }

  /** What is not in the queue any more is settled. */
  #change(queue: Queue<T>): void {
    const before = this.#queue
    this.#queue = queue
    const left = new Set(queue.waiting)
    for (const each of before.waiting) if (!left.has(each)) this.#settled(each.item)
  }
}

export const clock = (): Millis => millis(performance.now())
