import { createHmac } from 'node:crypto'
import type { Logger } from 'pino'
import { Agent, request } from 'undici'
import type { Told, WebhookConfig } from '../../model/telling.ts'
import type { Delivery } from '../../notify/queue.ts'
import { originOf, WEBHOOK_RULES, webhookBody, webhookDelivery } from '../../notify/webhook.ts'
import { Courier } from './courier.ts'
import { trustOf } from './trust.ts'

interface Item {
  readonly body: string
  readonly number: number
}

/** Of an answer nothing but its status counts. */
const ANSWER_LIMIT = 64 * 1024

/** Sends news to one URL, in their order. */
export class Webhook {
  readonly #log: Logger
  readonly #courier: Courier<Item>
  readonly #agent: Agent
  readonly #origin: string
  #config: WebhookConfig
  #failure: string | undefined

  /** `settled` is told the numbers of news that are sent, or given up. */
  constructor(config: WebhookConfig, settled: (numbers: readonly number[]) => void, log: Logger) {
    this.#log = log
    this.#config = config
    this.#origin = originOf(config.url)
    const { timeout } = config
    const trust = this.#origin.startsWith('https:') ? { secureContext: trustOf(undefined) } : {}
    this.#agent = new Agent({ connections: 1, pipelining: 1, connect: { timeout, ...trust } })
    this.#courier = new Courier(
      (item, dropped) => this.#deliver(item, dropped),
      WEBHOOK_RULES,
      ({ number }) => settled([number]),
    )
  }

  /** Of the same URL. */
  configure(config: WebhookConfig): void {
    this.#config = config
    this.#courier.hurry()
  }

  /** True when it will be sent. `id` is the same if it is told again. */
  tell(told: Told, number: number, director: string, id: string): boolean {
    const body = webhookBody(told, this.#config, { director, id, timeText: (at) => new Date(at).toISOString() })
    if (body !== undefined) this.#courier.put({ body: JSON.stringify(body), number })
    return body !== undefined
  }

  /** Sends what there is, now. Resolves when it is sent, or cannot be. */
  async finish(): Promise<void> {
    await this.#courier.finish()
  }

  /** Gives up what waits. */
  end(): void {
    this.#courier.close()
    void this.#agent.destroy()
  }

  async #deliver({ body }: Item, dropped: number): Promise<Delivery> {
    const { url, secret, timeout } = this.#config
    const signature = secret === undefined ? undefined : createHmac('sha256', secret).update(body).digest('hex')
    try {
      const answer = await request(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Tanist',
          ...(signature === undefined ? {} : { 'x-tanist-signature': `sha256=${signature}` }),
          ...(dropped === 0 ? {} : { 'x-tanist-dropped': `${dropped}` }),
        },
        signal: AbortSignal.timeout(timeout),
        dispatcher: this.#agent,
      })
      await answer.body.dump({ limit: ANSWER_LIMIT })
      return this.#answered(answer.statusCode)
    } catch (error) {
      // Of the URL, which messages may have, only the origin is shown.
      const { code, name } = error as NodeJS.ErrnoException
      return this.#wait(typeof code === 'string' ? code : name)
    }
  }

  #answered(status: number): Delivery {
    const delivery = webhookDelivery(status)
    switch (delivery) {
      case 'done':
        this.#failure = undefined
        this.#log.info({ webhook: this.#origin, status }, `webhook ${this.#origin} told (status ${status})`)
        return delivery
      case 'never':
        this.#log.error(
          { webhook: this.#origin, status },
          `webhook ${this.#origin} refuses what it is told (status ${status})`,
        )
        return delivery
      case 'later':
        return this.#wait(`status ${status}`)
    }
  }

  /** What stays the same is said once. */
  #wait(why: string): Delivery {
    const line = { webhook: this.#origin }
    if (this.#failure !== why)
      this.#log.warn(line, `webhook ${this.#origin} cannot be told yet, and is tried again: ${why}`)
    this.#failure = why
    return 'later'
  }
}
