import type { Told, WebhookConfig, WebhookEvent } from '../model/telling.ts'
import { seconds } from '../time.ts'
import type { Delivery, QueueRules } from './queue.ts'

/** Each webhook has a queue of its own, so that one that is away keeps nobody waiting. */
export const WEBHOOK_RULES: QueueRules = {
  limit: 1000,
  firstPause: seconds(1),
  longestPause: seconds(60),
  keepFor: seconds(86_400),
}

/** What a webhook is sent. A version of the format comes with each change that takes something away. */
export interface WebhookBody {
  readonly version: 1
  /** Unique for a director: the same when it is sent again. */
  readonly id: string
  readonly director: string
  readonly event: WebhookEvent
  /** ISO 8601. */
  readonly time: string
  /** Of the instance or group. */
  readonly name?: string
  readonly service?: string
  readonly server?: string
  /** Null: not known, as at the start. */
  readonly from?: string | null
  readonly to?: string
  readonly priority?: number
  readonly reason?: string
}

/** What is in every body. */
export interface WebhookFrame {
  readonly director: string
  readonly id: string
  /** ISO 8601 of ms since the epoch. */
  readonly timeText: (at: number) => string
}

/** Undefined when the webhook is not told: it has not asked for it. */
export function webhookBody(
  told: Told,
  { events }: WebhookConfig,
  { director, id, timeText }: WebhookFrame,
): WebhookBody | undefined {
  const of = (event: WebhookEvent, details: Partial<WebhookBody>): WebhookBody | undefined => {
    const time = timeText(told.at)
    return events.includes(event) ? { version: 1, id, director, event, time, ...details } : undefined
  }
  switch (told.type) {
    case 'state': {
      const { name, from, state: to, priority, reason } = told
      return told.subject === 'GROUP'
        ? of('group', { name, from: from ?? null, to, reason })
        : of('instance', { name, from: from ?? null, to, priority, reason })
    }
    case 'priority': {
      const { name, state, priority } = told
      return of('priority', { name, from: state, to: state, priority })
    }
    case 'lower-priority': {
      const { name, priority } = told
      return of('lower-priority', { name, priority })
    }
    case 'server': {
      const { service, server, reason } = told
      return of('server', { service, server, ...change(told), reason })
    }
    case 'quorum': {
      const { service, reason } = told
      return of('quorum', { service, ...change(told), reason })
    }
    case 'checker':
      return undefined
  }
}

function change({ up, initial }: { readonly up: boolean; readonly initial: boolean }) {
  const [now, before] = up ? ['UP', 'DOWN'] : ['DOWN', 'UP']
  return { from: initial ? null : before, to: now }
}

/**
 * What an answer's status means for the one that was sent. Redirects are not followed: a signed body goes nowhere else. Refusals
 * are final, but for those that ask to come back (RFC 9110 §15.5.9, RFC 6585 §4).
 */
export function webhookDelivery(status: number): Delivery {
  if (status >= 200 && status < 300) return 'done'
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'later' : 'never'
}

/** Of a URL what is no secret: scheme, host and port. */
export const originOf = (url: string): string => new URL(url).origin
