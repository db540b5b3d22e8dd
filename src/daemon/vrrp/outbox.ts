import type { FromVrrp, InstanceNews, RoleAnswer, TakenAway } from '../messages.ts'

/**
 * BOUNDED: news that wait while the director does not listen, which it does not do for longer than its watchdog
 * allows. Of more the oldest are not told; how the instances are by then, the next report says.
 */
const WAITING_LIMIT = 10_000

/** Hands a message to the kernel. Calls back when it is there. */
export type Send = (message: FromVrrp, sent: () => void) => void

/**
 * What the vrrp process has to tell the director: news one by one, in their order, and reports, of which only the
 * newest counts. What the director does not take yet waits here: the queue of the channel has no bound.
 */
export class Outbox {
  readonly #send: Send
  readonly #report: () => FromVrrp
  #news: (InstanceNews | RoleAnswer | TakenAway)[] = []
  #hasAdopted = false
  #isReportDue = false
  #isSending = false
  #onEmpty: () => void = () => {}

  /** `report` says how things are when it is called. */
  constructor(send: Send, report: () => FromVrrp) {
    this.#send = send
    this.#report = report
  }

  tell(news: InstanceNews | RoleAnswer | TakenAway): void {
    this.#news.push(news)
    if (this.#news.length > WAITING_LIMIT) this.#news.shift()
    this.#next()
  }

  /** The roles that were to be adopted are. Told behind the news that this has taken. */
  adopted(): void {
    this.#hasAdopted = true
    this.#next()
  }

  report(): void {
    this.#isReportDue = true
    this.#next()
  }

  /** Resolves when all is told. */
  async empty(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
      this.#next()
    })
  }

  #next(): void {
    if (this.#isSending) return
    const message = this.#take()
    if (message === undefined) {
      this.#onEmpty()
      return
    }
    this.#isSending = true
    this.#send(message, () => {
      this.#isSending = false
      this.#next()
    })
  }

  #take(): FromVrrp | undefined {
    const news = this.#news.shift()
    if (news !== undefined) return news
    if (this.#hasAdopted) {
      this.#hasAdopted = false
      return { type: 'adopted' }
    }
    if (!this.#isReportDue) return undefined
    this.#isReportDue = false
    return this.#report()
  }
}
