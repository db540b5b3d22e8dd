import { parseAddress } from '../../net/address.ts'
import { WEBHOOK_EVENTS } from '../../model/telling.ts'
import { HIDDEN, markSecretBehind } from '../secrecy.ts'
import type { Entries } from '../schema/entry.ts'
import { flag, repeated, section, setting, wordLines } from '../schema/kinds.ts'
import { path } from '../schema/script.ts'
import { Secret, secret } from '../schema/secret.ts'
import { fields, invalid, many, one, optional, type Syntax } from '../schema/syntax.ts'
import { choice, inSeconds, port, truthOrNothing, word } from '../schema/values.ts'
import { named } from './named.ts'

/** A name, or an address; what looks like an address must be one. */
const hostName = one({
  text: '<host>',
  expected: 'a host name or an IP address',
  read: (text) => (/^[\d.]+$|:/.test(text) && parseAddress(text) === undefined ? undefined : text),
})

/** Often a secret by itself: whoever knows it may use it. Only its origin is shown. */
interface WebhookUrl {
  readonly origin: string
  readonly whole: Secret
}

const webhookUrl: Syntax<WebhookUrl> = {
  text: '<URL>',
  parse(words) {
    const next = words.need('<URL>')
    if (next === undefined) return invalid
    markSecretBehind(words.keyword.at)
    const url = URL.canParse(next.text) ? new URL(next.text) : undefined
    if (url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:'))
      return { origin: url.origin, whole: new Secret(url.href) }
    words.report('bad-value', next.at, 'expected a URL that begins with https:// or http://')
    return invalid
  },
  print: ({ origin }) => `${origin}/${HIDDEN}`,
}

const login = {
  user: setting(word('<user>'), 'User name at the mail server.'),
  password: setting(secret('<password>'), 'Password at the mail server.'),
} as const satisfies Entries

const webhook = {
  url: setting(webhookUrl, 'Where news are sent, as JSON by POST.'),
  secret: setting(secret('<secret>'), 'Signs each body with HMAC-SHA256, in the header X-Tanist-Signature.'),
  timeout: setting(inSeconds(0.1, 300), 'Time limit for a request, in seconds; default 10.'),
  events: setting(many(choice(...WEBHOOK_EVENTS)), 'What it is told of; default: instance, group, server and quorum.'),
} as const satisfies Entries

/** Whom the daemon tells by the network what happens. */
export const mailDefs = {
  notification_email: wordLines(named('<address>'), 'Recipients of mail.'),
  notification_email_from: setting(word('<address>'), 'Sender address of mail; default: root at this host.'),
  smtp_server: setting(
    fields({ host: hostName, port: optional(port) }),
    'Mail server; default port 25, 465 with `smtp_tls implicit`.',
  ),
  smtp_helo_name: setting(word('<name>'), 'Name sent in EHLO to the mail server; default: that of this host.'),
  smtp_connect_timeout: setting(
    inSeconds(0, 3600),
    'Time limit for connecting to the mail server, and for each of its answers, in seconds; default 30.',
  ),
  smtp_tls: setting(
    choice('off', 'auto', 'starttls', 'implicit'),
    "TLS to the mail server (a keyword of Tanist's own): `auto` where it is offered, with any certificate; `starttls` and `implicit` (from the first byte on) or no mail. Default: `auto`, with `smtp_login` `starttls`.",
  ),
  smtp_tls_verify: setting(
    truthOrNothing,
    "Whether the mail server must prove its name by a certificate, with `starttls` and `implicit`; default on (a keyword of Tanist's own).",
  ),
  smtp_ca_file: setting(
    path,
    "File with the certificates that the mail server's must lead to (a keyword of Tanist's own); default: those of the system.",
  ),
  smtp_login: section(login, "User and password at the mail server (a block of Tanist's own)."),
  smtp_alert: setting(truthOrNothing, 'Default of `smtp_alert`.'),
  smtp_alert_vrrp: setting(truthOrNothing, 'Default of `smtp_alert` in instances and sync groups.'),
  smtp_alert_checker: setting(truthOrNothing, 'Default of `smtp_alert` in virtual and real servers.'),
  no_email_faults: flag('Sends no mail about faults.'),
  no_checker_emails: setting(
    truthOrNothing,
    'Sends mail when a real server goes up or down, not for each of its checkers.',
  ),
  webhook: repeated(webhook, "A program that is sent what happens, as JSON by HTTP (a keyword of Tanist's own)."),
} as const satisfies Entries
