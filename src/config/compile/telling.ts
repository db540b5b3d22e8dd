import { endpointName } from '../../model/endpoint.ts'
import type { VirtualServer } from '../../model/service.ts'
import { type MailConfig, serverKey, type Telling, type WebhookConfig } from '../../model/telling.ts'
import { seconds } from '../../time.ts'
import { mailingOf, mailPortOf, mailTlsOf, realServersOf } from '../effective.ts'
import type { Settings, VirtualServerSettings } from '../keywords/root.ts'

/** keepalived's figure. */
const MAIL_TIMEOUT = seconds(30)
const WEBHOOK_TIMEOUT = seconds(10)
/** The least that keepalived makes of 0. */
const SHORTEST = seconds(1)

type Global = NonNullable<Settings['global_defs']>
type Services = readonly (readonly [VirtualServerSettings, VirtualServer])[]

/** `services`: each virtual server that runs, with what its block says. */
export function tellingOf(settings: Settings, services: Services): Telling {
  const { global_defs: global } = settings
  if (global === undefined) return { routerId: undefined, mail: undefined, webhooks: [] }
  return {
    routerId: global.router_id,
    mail: mailOf(settings, global, services),
    webhooks: global.webhook.flatMap(webhookOf),
  }
}

/** Without recipients or a mail server there is none, as with keepalived. */
function mailOf(settings: Settings, global: Global, services: Services): MailConfig | undefined {
  const { smtp_server: server, notification_email: to, smtp_login: login } = global
  if (server === undefined || to.length === 0) return undefined
  const checker = global.smtp_alert_checker ?? global.smtp_alert
  return {
    to: to.map(({ name }) => name),
    from: global.notification_email_from,
    host: server.host,
    port: mailPortOf(global),
    helo: global.smtp_helo_name,
    timeout: global.smtp_connect_timeout === 0 ? SHORTEST : (global.smtp_connect_timeout ?? MAIL_TIMEOUT),
    tls: mailTlsOf(global),
    verify: global.smtp_tls_verify ?? true,
    caFile: global.smtp_ca_file,
    login:
      login?.user === undefined || login.password === undefined
        ? undefined
        : { user: login.user, password: login.password.reveal() },
    faults: !global.no_email_faults,
    checkers: !(global.no_checker_emails ?? false),
    instances: mailingOf(settings.vrrp_instance, global),
    groups: mailingOf(settings.vrrp_sync_group, global),
    services: services.filter(([{ smtp_alert: own }]) => own ?? checker ?? false).map(([, { name }]) => name),
    servers: services.flatMap(([block, { name, realServers }]) =>
      realServersOf(block).flatMap(({ smtp_alert: own }, index) => {
        const endpoint = realServers[index]?.endpoint
        // Unlike all others, servers have it unless something says no: so it is in keepalived.
        return endpoint !== undefined && (own ?? checker ?? true) ? [serverKey(name, endpointName(endpoint))] : []
      }),
    ),
  }
}

/** What a webhook is told of when it does not say. */
const USUAL_EVENTS = ['instance', 'group', 'server', 'quorum'] as const

function webhookOf({ url, secret, timeout, events }: Global['webhook'][number]): WebhookConfig[] {
  if (url === undefined) return []
  return [
    {
      url: url.whole.reveal(),
      secret: secret?.reveal(),
      timeout: timeout ?? WEBHOOK_TIMEOUT,
      events: events ?? USUAL_EVENTS,
    },
  ]
}
