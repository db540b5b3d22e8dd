import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type KeywordRow, listKeywords } from '../../src/config/reference.ts'

/** Every keyword of keepalived 2.4.3: block, keyword, and how common it is. */
const keepalived = readFileSync(join(import.meta.dirname, 'keywords.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [block = '', keyword = '', commonness = ''] = line.split('\t')
    return { block, keyword, commonness }
  })

const ours = new Map(listKeywords().map((row) => [`${row.block} ${row.keyword}`, row]))
const EFFECTS = ['works', 'later', 'none', 'refused'] as const satisfies readonly KeywordRow['status']['effect'][]

test('every keyword of keepalived is known', () => {
  const unknown = keepalived.filter(({ block, keyword }) => !ours.has(`${block} ${keyword}`))
  expect(unknown).toEqual([])
})

/** In our own checker, which has what others have. */
const AGENT = [
  'agent_send',
  'alpha',
  'bind_if',
  'bind_port',
  'bindto',
  'connect_ip',
  'connect_port',
  'connect_timeout',
  'delay_before_retry',
  'delay_loop',
  'fall',
  'fast_interval',
  'fwmark',
  'log_all_failures',
  'retry',
  'rise',
  'warmup',
]

/** What keepalived has no word for. */
const OWN = [
  '/ local_address_group',
  '/global_defs expire_nodest_conn',
  '/global_defs expire_quiescent_template',
  '/global_defs forward_interfaces',
  '/global_defs nat_icmp_send',
  '/global_defs smtp_ca_file',
  '/global_defs smtp_login',
  '/global_defs smtp_tls',
  '/global_defs smtp_tls_verify',
  '/global_defs vip_lease',
  '/global_defs webhook',
  '/global_defs xdp_interfaces',
  '/global_defs/smtp_login password',
  '/global_defs/smtp_login user',
  '/global_defs/webhook events',
  '/global_defs/webhook secret',
  '/global_defs/webhook timeout',
  '/global_defs/webhook url',
  '/virtual_server allow',
  '/virtual_server deny',
  '/virtual_server establish_timeout',
  '/virtual_server fall',
  '/virtual_server fast_interval',
  '/virtual_server flap_limit',
  '/virtual_server laddr_group_name',
  '/virtual_server mark',
  '/virtual_server observe_limit',
  '/virtual_server panic_threshold',
  '/virtual_server rise',
  '/virtual_server slow_start',
  '/virtual_server through_firewall',
  '/virtual_server/real_server AGENT_CHECK',
  '/virtual_server/real_server slow_start',
  ...AGENT.map((keyword) => `/virtual_server/real_server/AGENT_CHECK ${keyword}`),
  '/virtual_server/real_server/DNS_CHECK answer',
  '/virtual_server/real_server/DNS_CHECK fall',
  '/virtual_server/real_server/DNS_CHECK fast_interval',
  '/virtual_server/real_server/DNS_CHECK rise',
  '/virtual_server/real_server/DNS_CHECK through_service',
  '/virtual_server/real_server/HTTP_GET fall',
  '/virtual_server/real_server/HTTP_GET fast_interval',
  '/virtual_server/real_server/HTTP_GET rise',
  '/virtual_server/real_server/HTTP_GET through_service',
  '/virtual_server/real_server/HTTP_GET/url body_limit',
  '/virtual_server/real_server/HTTP_GET/url contains',
  '/virtual_server/real_server/HTTP_GET/url follow_redirects',
  '/virtual_server/real_server/HTTP_GET/url header',
  '/virtual_server/real_server/HTTP_GET/url json',
  '/virtual_server/real_server/HTTP_GET/url method',
  '/virtual_server/real_server/HTTP_GET/url request_body',
  '/virtual_server/real_server/MISC_CHECK fall',
  '/virtual_server/real_server/MISC_CHECK fast_interval',
  '/virtual_server/real_server/MISC_CHECK rise',
  '/virtual_server/real_server/PING_CHECK fall',
  '/virtual_server/real_server/PING_CHECK fast_interval',
  '/virtual_server/real_server/PING_CHECK rise',
  '/virtual_server/real_server/SMTP_CHECK fall',
  '/virtual_server/real_server/SMTP_CHECK fast_interval',
  '/virtual_server/real_server/SMTP_CHECK rise',
  '/virtual_server/real_server/SMTP_CHECK starttls',
  '/virtual_server/real_server/SMTP_CHECK through_service',
  '/virtual_server/real_server/SMTP_CHECK/host fall',
  '/virtual_server/real_server/SMTP_CHECK/host fast_interval',
  '/virtual_server/real_server/SMTP_CHECK/host rise',
  '/virtual_server/real_server/SSL_GET expires_within',
  '/virtual_server/real_server/SSL_GET expiry_warning',
  '/virtual_server/real_server/SSL_GET fall',
  '/virtual_server/real_server/SSL_GET fast_interval',
  '/virtual_server/real_server/SSL_GET rise',
  '/virtual_server/real_server/SSL_GET through_service',
  '/virtual_server/real_server/SSL_GET verify',
  '/virtual_server/real_server/SSL_GET/url body_limit',
  '/virtual_server/real_server/SSL_GET/url contains',
  '/virtual_server/real_server/SSL_GET/url follow_redirects',
  '/virtual_server/real_server/SSL_GET/url header',
  '/virtual_server/real_server/SSL_GET/url json',
  '/virtual_server/real_server/SSL_GET/url method',
  '/virtual_server/real_server/SSL_GET/url request_body',
  '/virtual_server/real_server/TCP_CHECK expect',
  '/virtual_server/real_server/TCP_CHECK expect_hex',
  '/virtual_server/real_server/TCP_CHECK fall',
  '/virtual_server/real_server/TCP_CHECK fast_interval',
  '/virtual_server/real_server/TCP_CHECK protocol',
  '/virtual_server/real_server/TCP_CHECK rise',
  '/virtual_server/real_server/TCP_CHECK send',
  '/virtual_server/real_server/TCP_CHECK send_hex',
  '/virtual_server/real_server/TCP_CHECK service',
  '/virtual_server/real_server/TCP_CHECK through_service',
  '/virtual_server/real_server/TCP_CHECK user',
  '/virtual_server/real_server/UDP_CHECK fall',
  '/virtual_server/real_server/UDP_CHECK fast_interval',
  '/virtual_server/real_server/UDP_CHECK rise',
  '/virtual_server/real_server/UDP_CHECK through_service',
  '/vrrp_instance preempt_after_checks',
  '/vrrp_instance vip_lease',
]

test('no keyword is known that keepalived does not have, but for our own', () => {
  const theirs = new Set(keepalived.map(({ block, keyword }) => `${block} ${keyword}`))
  expect([...ours.keys()].filter((key) => !theirs.has(key)).toSorted()).toEqual(OWN)
})

test('every configuration keyword has a sentence of help', () => {
  for (const { keyword, help } of listKeywords()) expect(help, keyword).toMatch(/^\S.*\.$/)
})

test('docs/configuration.md counts the keywords as they are', () => {
  const rows = ['CORE', 'COMMON', 'RARE', 'BUILD'].map((commonness) => {
    const statuses = keepalived
      .filter((row) => row.commonness === commonness)
      .map(({ block, keyword }) => ours.get(`${block} ${keyword}`)?.status.effect)
    const counts = EFFECTS.map((effect) => statuses.filter((each) => each === effect).length)
    return `| ${commonness} | ${statuses.length} | ${counts.join(' | ')} |`
  })
  const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
  for (const row of rows) expect(page).toContain(row)
})
