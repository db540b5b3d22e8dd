import type { MailConfig, Told } from '../model/telling.ts'
import { after, type Millis, seconds } from '../time.ts'
import { mailAbout, type Mailed, type MailEvent } from './mail.ts'
import type { QueueRules } from './queue.ts'

/** What happens within this time of the first event is one mail. */
export const BURST = seconds(2)

/** Events of one burst: what a director with all of its instances may do in that time, and more. */
const BURST_LIMIT = 10_000

/** A mail server is away for minutes as a rule. What is a day old helps nobody. */
export const MAIL_RULES: QueueRules = {
  limit: 100,
  firstPause: seconds(5),
  longestPause: seconds(300),
  keepFor: seconds(86_400),
}

/** What the next mail is collected of. */
export interface Burst {
  readonly events: readonly MailEvent[]
  /** When it is over; undefined when there is none. */
  readonly until: Millis | undefined
  readonly mailed: Mailed
}

export const noBurst: Burst = { events: [], until: undefined, mailed: new Map() }

/**
 * Adds what mail is sent about; true when that is so. BOUNDED: of more than `BURST_LIMIT` events the last ones are in no mail.
 */
export function collect(
  burst: Burst,
  told: Told,
  mail: MailConfig,
  now: Millis,
): { readonly burst: Burst; readonly taken: boolean } {
  const { event, mailed } = mailAbout(told, mail, burst.mailed)
  if (event === undefined || burst.events.length >= BURST_LIMIT) return { burst: { ...burst, mailed }, taken: false }
  const events = [...burst.events, event]
  return { burst: { events, until: burst.until ?? after(now, BURST), mailed }, taken: true }
}

/** The burst is over: what it was is a mail. */
export const closed = ({ mailed }: Burst): Burst => ({ events: [], until: undefined, mailed })
