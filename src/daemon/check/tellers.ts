import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Told } from '../../model/telling.ts'
import type { ToCheck } from '../messages.ts'
import { Mailer } from './mailer.ts'
import { Receipts } from './receipts.ts'
import { Webhook } from './webhook.ts'

type TellingOrder = Extract<ToCheck, { type: 'telling' }>

/** All who tell by the network what happens: the mailer, and the webhooks by their URLs. */
export class Tellers {
  readonly #log: Logger
  readonly #receipts: Receipts
  readonly #settled = (numbers: readonly number[]): void => this.#receipts.close(numbers)
  #mailer: Mailer | undefined
  #webhooks: ReadonlyMap<string, Webhook> = new Map()
  #director = ''

  /** `settled` is told the numbers of news that nobody has to tell any more. */
  constructor(settled: (numbers: readonly number[]) => void, log: Logger) {
    this.#log = log
    this.#receipts = new Receipts(settled)
  }

  configure({ telling, caPem }: TellingOrder): void {
    const { mail, webhooks } = telling
    this.#director = telling.routerId ?? hostname()
    if (mail === undefined) {
      this.#mailer?.end()
      this.#mailer = undefined
    } else {
      const order = { ...mail, director: this.#director, caPem }
      if (this.#mailer === undefined) this.#mailer = new Mailer(order, this.#settled, this.#log)
      else this.#mailer.configure(order)
    }
    const before = this.#webhooks
    this.#webhooks = new Map(
      webhooks.map((config) => {
        const known = before.get(config.url)
        known?.configure(config)
        return [config.url, known ?? new Webhook(config, this.#settled, this.#log)]
      }),
    )
    for (const [url, webhook] of before) if (!this.#webhooks.has(url)) webhook.end()
  }

  /** `id` tells it from all other news of this director. */
  tell(told: Told, number: number, id: string): void {
    const webhooks = [...this.#webhooks.values()]
    const takers = [
      this.#mailer?.tell(told, number) === true,
      ...webhooks.map((webhook) => webhook.tell(told, number, this.#director, id)),
    ]
    this.#receipts.open(number, takers.filter(Boolean).length)
  }

  /** Tells what there is to tell, once more each. */
  async finish(): Promise<void> {
    const all = [...(this.#mailer === undefined ? [] : [this.#mailer]), ...this.#webhooks.values()]
    await Promise.all(all.map(async (each) => each.finish()))
  }
}
