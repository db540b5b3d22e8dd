import { mailTlsOf } from '../effective.ts'
import type { Rule } from './rule.ts'

/** keepalived sends no mail then, and says nothing. */
const mailHasServerAndRecipients: Rule = (settings, places, report) => {
  const { global_defs: global, vrrp_instance: instances, vrrp_sync_group: groups, virtual_server: servers } = settings
  if (global === undefined) return
  const hasServer = global.smtp_server !== undefined || places.broken(global, 'smtp_server')
  const hasRecipients = global.notification_email.length > 0 || places.broken(global, 'notification_email')
  if (hasServer && hasRecipients) return
  const lack = hasServer
    ? '`notification_email`'
    : hasRecipients
      ? '`smtp_server`'
      : '`smtp_server` and `notification_email`'
  const said = (['smtp_server', 'notification_email', 'smtp_alert', 'smtp_alert_vrrp', 'smtp_alert_checker'] as const)
    .filter((keyword) => global[keyword] !== false)
    .flatMap((keyword) => places.said(global, keyword) ?? [])
  const blocks = [...instances, ...groups, ...servers, ...servers.flatMap(({ real_server: all }) => all)]
  const alerts = blocks.flatMap((block) => (block.smtp_alert === true ? [places.of(block, 'smtp_alert')] : []))
  const [first] = [...said, ...alerts]
  if (first !== undefined) report('no-mail', first, `no mail is sent: \`global_defs\` has no ${lack}`)
}

const loginsAreWhole: Rule = ({ global_defs: global }, places, report) => {
  const login = global?.smtp_login
  if (global === undefined || login === undefined) return
  for (const keyword of ['user', 'password'] as const) {
    if (login[keyword] !== undefined || places.broken(login, keyword)) continue
    report('missing-keyword', places.of(login), `\`smtp_login\` needs \`${keyword}\``)
  }
  const tls = mailTlsOf(global)
  if (tls === 'starttls' || tls === 'implicit') return
  const message = `with \`smtp_tls ${tls}\` anybody on the way can read the password`
  report('open-password', places.of(global, 'smtp_tls'), message, 'write `smtp_tls starttls` or `implicit`')
}

/** Nobody has to prove a name with these. */
const trustIsAskedFor: Rule = ({ global_defs: global }, places, report) => {
  if (global === undefined) return
  const tls = mailTlsOf(global)
  const asks = tls === 'starttls' || tls === 'implicit'
  const at = places.said(global, 'smtp_ca_file')
  if (at === undefined || (asks && global.smtp_tls_verify !== false)) return
  const why = asks ? '`smtp_tls_verify` is off' : `\`smtp_tls\` is ${tls}`
  report('ignored-value', at, `\`smtp_ca_file\` has no effect: ${why}, so the mail server need not prove its name`)
}

const webhooksSayWhere: Rule = ({ global_defs: global }, places, report) => {
  for (const webhook of global?.webhook ?? []) {
    if (webhook.url !== undefined || places.broken(webhook, 'url')) continue
    report('missing-keyword', places.of(webhook), '`webhook` needs `url`')
  }
}

export const tellingRules: readonly Rule[] = [
  mailHasServerAndRecipients,
  loginsAreWhole,
  trustIsAskedFor,
  webhooksSayWhere,
]
