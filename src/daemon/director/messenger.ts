import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { readCaFile } from '../../host/ca-file.ts'
import type { Telling, Told } from '../../model/telling.ts'
import type { ToCheck } from '../messages.ts'
import { Undelivered } from './undelivered.ts'

/** Hands news to the check process, and all that it has not told to the next one when it dies. */
export class Messenger {
  readonly #send: (message: ToCheck) => void
  readonly #log: Logger
  readonly #undelivered = new Undelivered(randomUUID())
  #tellsAnybody = false
  /** Whether the check process knows whom to tell. */
  #isReady = false

  constructor(send: (message: ToCheck) => void, log: Logger) {
    this.#send = send
    this.#log = log
  }

  /** To be called for each new check process, and with each new configuration. */
  configure(telling: Telling): void {
    const { mail, webhooks } = telling
    this.#tellsAnybody = mail !== undefined || webhooks.length > 0
    const ca = mail?.caFile === undefined ? undefined : readCaFile(mail.caFile)
    if (ca !== undefined && 'unusable' in ca) this.#log.error(`${ca.unusable}; the certificates of the system count`)
    this.#send({ type: 'telling', telling, caPem: ca !== undefined && 'pem' in ca ? ca.pem : undefined })
    const waiting = this.#undelivered.all
    if (!this.#isReady && waiting.length > 0) this.#send({ type: 'tell', news: waiting })
    this.#isReady = true
  }

  /** News that come before it is configured again wait for that. */
  checkDied(): void {
    this.#isReady = false
  }

  tell(news: readonly Told[]): void {
    if (news.length === 0 || (this.#isReady && !this.#tellsAnybody)) return
    const numbered = this.#undelivered.add(news)
    if (this.#isReady) this.#send({ type: 'tell', news: numbered })
  }

  /** The check process has told these. */
  told(numbers: readonly number[]): void {
    this.#undelivered.told(numbers)
  }
}
