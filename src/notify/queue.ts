import { after, type Millis, millis } from '../time.ts'

/** What is to be delivered, one after the other and in order, by somebody who may be away for a while. */
export interface Queue<T> {
  /** Oldest first. BOUNDED by `limit`: the oldest one gives way, and is counted. */
  readonly waiting: readonly Waiting<T>[]
  /** The first one is on its way. */
  readonly sending: boolean
  /** In a row, of the first one or those before it. */
  readonly failures: number
  /** When the first one may be tried; any time when undefined. */
  readonly retryAt: Millis | undefined
  /** Given up and not said yet. */
  readonly dropped: number
}

interface Waiting<T> {
  readonly item: T
  readonly since: Millis
}

export interface QueueRules {
  readonly limit: number
  /** Pause after the first failure; it doubles with each further one, up to `longestPause`. */
  readonly firstPause: Millis
  readonly longestPause: Millis
  /** What has waited for so long is given up. */
  readonly keepFor: Millis
}

/** What came of one attempt. `later`: it may go well another time. */
export type Delivery = 'done' | 'later' | 'never'

export const emptyQueue = { waiting: [], sending: false, failures: 0, retryAt: undefined, dropped: 0 } as const

/** The one that is on its way does not give way to others. */
export function put<T>(queue: Queue<T>, item: T, now: Millis, { limit }: QueueRules): Queue<T> {
  const waiting = [...queue.waiting, { item, since: now }]
  if (waiting.length <= limit) return { ...queue, waiting }
  waiting.splice(queue.sending ? 1 : 0, 1)
  return { ...queue, waiting, dropped: queue.dropped + 1 }
}

/** The next one to send, if there is one and its time has come. `dropped`: how many were given up since that was said last. */
export function next<T>(
  queue: Queue<T>,
  now: Millis,
  { keepFor }: QueueRules,
): { readonly queue: Queue<T>; readonly send: { readonly item: T; readonly dropped: number } | undefined } {
  if (queue.sending) return { queue, send: undefined }
  const waiting = queue.waiting.filter(({ since }) => now < after(since, keepFor))
  const dropped = queue.dropped + queue.waiting.length - waiting.length
  const [first] = waiting
  const isEarly = queue.retryAt !== undefined && now < queue.retryAt
  if (first === undefined || isEarly) return { queue: { ...queue, waiting, dropped }, send: undefined }
  return { queue: { ...queue, waiting, dropped, sending: true }, send: { item: first.item, dropped } }
}

/** `said`: the `dropped` that it was sent with. */
export function delivered<T>(
  queue: Queue<T>,
  delivery: Delivery,
  said: number,
  now: Millis,
  rules: QueueRules,
): Queue<T> {
  const rest = { ...queue, waiting: queue.waiting.slice(1), sending: false }
  switch (delivery) {
    case 'done':
      return { ...rest, failures: 0, retryAt: undefined, dropped: queue.dropped - said }
    case 'never':
      return { ...rest, failures: 0, retryAt: undefined, dropped: queue.dropped + 1 }
    case 'later': {
      const pause = Math.min(rules.firstPause * 2 ** queue.failures, rules.longestPause)
      return { ...queue, sending: false, failures: queue.failures + 1, retryAt: after(now, millis(pause)) }
    }
  }
}

/** When `next` has something to do; undefined: not before something else happens. */
export function dueAt<T>({ waiting, sending, retryAt }: Queue<T>): Millis | undefined {
  return sending || waiting.length === 0 ? undefined : (retryAt ?? millis(0))
}
