import type { MailConfig, Told } from '../model/telling.ts'
import { after, type Millis, seconds } from '../time.ts'
import { mailAbout, type Mailed, type MailEvent } from './mail.ts'
import { emptyQueue, put, type Queue, type QueueRules } from './queue.ts'

/** What happens within this time of the first event is one mail. */
export const BURST = seconds(2)

/** More events of one burst are counted only. */
const BURST_LIMIT = 10_000

/** A mail server is away for minutes as a rule. What is a day old helps nobody. */
export const MAIL_RULES: QueueRules = {
  limit: 100,
  firstPause: seconds(5),
  longestPause: seconds(300),
  keepFor: seconds(86_400),
}

/** Mails to send, and what the next one is collected of. */
export interface MailQueue {
  readonly burst: readonly MailEvent[]
  /** When the burst is over; undefined when there is none. */
  readonly until: Millis | undefined
  readonly mailed: Mailed
  readonly queue: Queue<readonly MailEvent[]>
}

export const emptyMailQueue: MailQueue = { burst: [], until: undefined, mailed: new Map(), queue: emptyQueue }

/** Adds what mail is sent about. BOUNDED: of more than `BURST_LIMIT` events the last ones are in no mail. */
export function collect(state: MailQueue, news: readonly Told[], mail: MailConfig, now: Millis): MailQueue {
  let { mailed } = state
  const burst = [...state.burst]
  for (const told of news) {
    const about = mailAbout(told, mail, mailed)
    mailed = about.mailed
    if (about.event !== undefined && burst.length < BURST_LIMIT) burst.push(about.event)
  }
  const until = burst.length === 0 ? undefined : (state.until ?? after(now, BURST))
  return { ...state, burst, until, mailed }
}

/** Makes a mail of the burst when it is over, or in any case. */
export function closeBurst(state: MailQueue, now: Millis, atOnce: boolean): MailQueue {
  if (state.until === undefined || (now < state.until && !atOnce)) return state
  return { ...state, burst: [], until: undefined, queue: put(state.queue, state.burst, now, MAIL_RULES) }
}
