import type { Millis } from '../time.ts'
import type { News, NotifiedState } from './notify.ts'

/** News as mails and webhooks are told them. */
export type Told = Exclude<News, StateNews> | ToldState | CheckerNews

export type StateNews = Extract<News, { readonly type: 'state' }>

/** With the state of before; undefined at the start. */
export type ToldState = StateNews & { readonly from: NotifiedState | undefined }

/** A checker has another opinion than before, and its server is up, or down, all the same: for want of the other checkers. */
export interface CheckerNews {
  readonly type: 'checker'
  readonly service: string
  readonly server: string
  /** Its keyword. */
  readonly check: string
  readonly up: boolean
  /** Of the server. */
  readonly serverUp: boolean
  readonly reason: string
  readonly at: number
}

/**
 * How the connection to the mail server is protected. `auto`: STARTTLS where the server has it, with any certificate, else
 * nothing. `starttls`: STARTTLS or no mail. `implicit`: TLS from the first byte.
 */
export type MailTls = 'off' | 'auto' | 'starttls' | 'implicit'

/** Whom to mail, by which server, about what. */
export interface MailConfig {
  readonly to: readonly string[]
  /** root at this host when undefined, as keepalived has it. */
  readonly from: string | undefined
  readonly host: string
  readonly port: number
  /** How this host introduces itself; its own name when undefined. */
  readonly helo: string | undefined
  /** For each step of a delivery: to connect, and for each answer. */
  readonly timeout: Millis
  readonly tls: MailTls
  /** Whether the server must prove its name, where `tls` asks for that. */
  readonly verify: boolean
  /** File with the certificates that are trusted; those of the system when undefined. */
  readonly caFile: string | undefined
  readonly login: { readonly user: string; readonly password: string } | undefined
  readonly faults: boolean
  /** Also checkers that do not change the state of their server. */
  readonly checkers: boolean
  /** By name: what mails are sent about. */
  readonly instances: readonly string[]
  readonly groups: readonly string[]
  readonly services: readonly string[]
  /** As `serverKey` says them. */
  readonly servers: readonly string[]
}

/** A server, among those of all services. */
export const serverKey = (service: string, server: string): string => `${service} ${server}`

/** What a webhook is told of. */
export const WEBHOOK_EVENTS = ['instance', 'group', 'server', 'quorum', 'priority', 'lower-priority'] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** Who is sent news as JSON by HTTP. */
export interface WebhookConfig {
  /** Holds a secret as often as not: only its origin may be shown. */
  readonly url: string
  /** What bodies are signed with; undefined: they are not. */
  readonly secret: string | undefined
  /** For the whole request. */
  readonly timeout: Millis
  readonly events: readonly WebhookEvent[]
}

/** Whom this director tells by the network what happens. */
export interface Telling {
  /** Name of this director; that of the host when undefined. */
  readonly routerId: string | undefined
  readonly mail: MailConfig | undefined
  readonly webhooks: readonly WebhookConfig[]
}
