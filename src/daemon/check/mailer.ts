import { hostname } from 'node:os'
import { createTransport } from 'nodemailer'
import type { Logger } from 'pino'
import type { MailConfig, Told } from '../../model/telling.ts'
import { type Burst, BURST, closed, collect, MAIL_RULES, noBurst } from '../../notify/burst.ts'
import { type MailEvent, mailText } from '../../notify/mail.ts'
import type { Delivery } from '../../notify/queue.ts'
import { clock, Courier } from './courier.ts'
import { trustOf } from './trust.ts'

/** A mail, and the numbers of the news in it. */
interface Mail {
  readonly events: readonly MailEvent[]
  readonly numbers: readonly number[]
}

/** What it is to do. */
export interface MailOrder extends MailConfig {
  /** Name of this director. */
  readonly director: string
  /** What is in `caFile`. */
  readonly caPem: string | undefined
}

/** Makes mails of news and hands them to the mail server. */
export class Mailer {
  readonly #log: Logger
  readonly #courier: Courier<Mail>
  #order: MailOrder
  #transport: ReturnType<typeof createTransport>
  #burst: Burst = noBurst
  #numbers: number[] = []
  #timer: NodeJS.Timeout | undefined
  #failure: string | undefined

  /** `settled` is told the numbers of news that are mailed, or given up. */
  constructor(order: MailOrder, settled: (numbers: readonly number[]) => void, log: Logger) {
    this.#log = log
    this.#order = order
    this.#transport = open(order)
    this.#courier = new Courier(
      (mail, dropped) => this.#deliver(mail, dropped),
      MAIL_RULES,
      ({ numbers }) => settled(numbers),
    )
  }

  /** What waits is sent by the new one: it may be the one that mends what was wrong. */
  configure(order: MailOrder): void {
    this.#order = order
    this.#transport = open(order)
    this.#courier.hurry()
  }

  /** True when a mail will tell it. */
  tell(told: Told, number: number): boolean {
    const { burst, taken } = collect(this.#burst, told, this.#order, clock())
    this.#burst = burst
    if (!taken) return false
    this.#numbers.push(number)
    this.#timer ??= setTimeout(() => this.#close(), BURST)
    return true
  }

  /** Sends what there is, now. Resolves when it is sent, or cannot be. */
  async finish(): Promise<void> {
    this.#close()
    await this.#courier.finish()
  }

  /** Gives up what waits. */
  end(): void {
    this.#close()
    this.#courier.close()
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { events } = this.#burst
    if (events.length === 0) return
    this.#burst = closed(this.#burst)
    const numbers = this.#numbers
    this.#numbers = []
    this.#courier.put({ events, numbers })
  }

  async #deliver({ events }: Mail, dropped: number): Promise<Delivery> {
    const { to, from, director } = this.#order
    const { subject, body } = mailText(director, events, dropped, (at) => new Date(at).toISOString())
    const count = `${events.length} ${events.length === 1 ? 'event' : 'events'}`
    try {
      const { rejected } = await this.#transport.sendMail({
        from: from ?? `root@${hostname()}`,
        to: [...to],
        subject,
        text: body,
        // Nobody's holiday message shall answer (RFC 3834 §5).
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Mailer': 'Tanist' },
        xMailer: false,
      })
      this.#failure = undefined
      const accepted = to.filter((address) => !rejected.includes(address))
      this.#log.info({ to: accepted, events: events.length }, `mail sent to ${accepted.join(', ')} (${count})`)
      if (rejected.length > 0)
        this.#log.error({ to: rejected }, `the mail server refuses mail to ${rejected.join(', ')}`)
      return 'done'
    } catch (error) {
      return this.#failed(error, count)
    }
  }

  /** A refused login may be mended, and is no fault of the mail. What stays the same is said once. */
  #failed(error: unknown, count: string): Delivery {
    const { message, code, permanent } = error as Error & { readonly code?: string; readonly permanent?: boolean }
    if (permanent === true && code !== 'EAUTH') {
      this.#log.error(`the mail server refuses a mail (${count}), which is given up: ${message}`)
      return 'never'
    }
    if (this.#failure !== message) this.#log.warn(`mail waits (${count}), and is tried again: ${message}`)
    this.#failure = message
    return 'later'
  }
}

function open({ host, port, helo, timeout, tls, verify, caPem, login }: MailOrder): ReturnType<typeof createTransport> {
  const isProven = verify && (tls === 'starttls' || tls === 'implicit')
  return createTransport({
    host,
    port,
    name: helo ?? hostname(),
    secure: tls === 'implicit',
    ignoreTLS: tls === 'off',
    requireTLS: tls === 'starttls',
    opportunisticTLS: tls === 'auto',
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    tls: isProven ? { secureContext: trustOf(caPem) } : { rejectUnauthorized: false },
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
  })
}
