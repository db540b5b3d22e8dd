import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())
const instance = (inside = '', name = 'a', id = 1) =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${id}\n virtual_ipaddress { 10.0.0.${id} }\n ${inside}\n}\n`
const BASE = 'notification_email {\n ops@example.net\n boss@example.net\n}\nsmtp_server mail.example.net\n'
const file = (global: string, rest = instance()) => `global_defs {\n${BASE}${global}\n}\n${rest}`

function mail(global: string, rest?: string) {
  const found = load(file(global, rest)).config?.telling.mail
  if (found === undefined) throw new Error('no mail')
  return found
}

/** What is reported, without the rest of the file. */
const said = (text: string) => load(text).diagnostics.map(({ code, message }) => `${code}: ${message}`)

describe('mail', () => {
  test('goes as keepalived sends it unless the file says otherwise', () => {
    expect(mail('')).toEqual({
      to: ['ops@example.net', 'boss@example.net'],
      from: undefined,
      host: 'mail.example.net',
      port: 25,
      helo: undefined,
      timeout: 30_000,
      tls: 'auto',
      verify: true,
      caFile: undefined,
      login: undefined,
      faults: true,
      checkers: true,
      instances: [],
      groups: [],
      services: [],
      servers: [],
    })
  })

  test('goes as the file says', () => {
    const text = `notification_email_from lb@example.net
smtp_helo_name lb1.example.net
smtp_connect_timeout 7
smtp_tls implicit
smtp_tls_verify off
no_email_faults
no_checker_emails
smtp_login {
  user lb
  password Geheim1
}`
    expect(mail(text)).toMatchObject({
      from: 'lb@example.net',
      helo: 'lb1.example.net',
      timeout: 7000,
      port: 465,
      tls: 'implicit',
      verify: false,
      login: { user: 'lb', password: 'Geheim1' },
      faults: false,
      checkers: false,
    })
    expect(mail('smtp_server 10.0.0.25 2525')).toMatchObject({ host: '10.0.0.25', port: 2525 })
    expect(mail('smtp_connect_timeout 0').timeout).toBe(1000)
    expect(mail('smtp_tls starttls\nsmtp_ca_file /etc/ca.pem')).toMatchObject({ caFile: '/etc/ca.pem', port: 25 })
  })

  test('with a login needs a mail server that has proved its name', () => {
    const login = 'smtp_login {\n user u\n password p\n}'
    expect(mail(login).tls).toBe('starttls')
    expect(said(file(`${login}\nsmtp_tls auto`))).toEqual([
      'open-password: with `smtp_tls auto` anybody on the way can read the password',
    ])
    expect(said(file('smtp_login {\n user u\n}'))).toContain('missing-keyword: `smtp_login` needs `password`')
  })

  test('is sent about what says `smtp_alert`, and real servers unless they say no', () => {
    const group = 'vrrp_sync_group G {\n group { a }\n %\n}\n'
    const service = (vs: string, rs: string) =>
      `virtual_server 10.0.0.9 80 {\n protocol TCP\n ${vs}\n real_server 10.1.0.1 80 {\n TCP_CHECK {\n}\n ${rs}\n }\n}\n`
    const about = (global: string, rest: string) => {
      const { instances, groups, services, servers } = mail(global, rest)
      return [instances, groups, services, servers].map(({ length }) => length).join('')
    }
    const all = (own: string) => `${instance(own)}${group.replace('%', own)}${service(own, own)}`
    expect(about('', all(''))).toBe('0001')
    expect(about('', all('smtp_alert'))).toBe('1111')
    expect(about('smtp_alert', all(''))).toBe('1111')
    expect(about('smtp_alert', all('smtp_alert off'))).toBe('0000')
    expect(about('smtp_alert\nsmtp_alert_vrrp off', all(''))).toBe('0011')
    expect(about('smtp_alert\nsmtp_alert_checker off', all(''))).toBe('1100')
    expect(about('smtp_alert_checker', all(''))).toBe('0011')
    expect(mail('', service('smtp_alert', ''))).toMatchObject({
      services: ['[10.0.0.9]:tcp:80'],
      servers: ['[10.0.0.9]:tcp:80 [10.1.0.1]:80'],
    })
  })

  test.each([
    ['global_defs { smtp_server 10.0.0.1 }', '`notification_email`'],
    ['global_defs { notification_email { a@b } }', '`smtp_server`'],
    ['global_defs { smtp_alert }', '`smtp_server` and `notification_email`'],
  ])('that goes nowhere is told: %s', (global, lack) => {
    const { config, diagnostics } = load(`${global}\n${instance()}`)
    expect(config?.telling.mail).toBeUndefined()
    expect(diagnostics.map(({ message }) => message)).toEqual([`no mail is sent: \`global_defs\` has no ${lack}`])
  })

  test('that goes nowhere is told of an instance, too, and not where nobody asked for it', () => {
    expect(said(instance('smtp_alert'))).toEqual([
      'no-mail: no mail is sent: `global_defs` has no `smtp_server` and `notification_email`',
    ])
    expect(said(instance('smtp_alert off'))).toEqual([])
  })

  test('needs no certificates where nobody has to prove a name', () => {
    expect(said(file('smtp_ca_file /x'))[0]).toContain('`smtp_ca_file` has no effect: `smtp_tls` is auto')
    expect(said(file('smtp_ca_file /x\nsmtp_tls starttls\nsmtp_tls_verify no'))[0]).toContain(
      '`smtp_tls_verify` is off',
    )
    expect(said(file('smtp_ca_file /x\nsmtp_tls starttls'))).toEqual([])
  })
})

describe('a webhook', () => {
  const hook = (inside: string) => `global_defs {\nwebhook {\n${inside}\n}\n}\n${instance()}`
  const URL = 'https://hooks.example/T0/Geheim2'

  test('is told of states, servers and quorum unless it says otherwise', () => {
    expect(load(hook(`url ${URL}`)).config?.telling.webhooks).toEqual([
      { url: URL, secret: undefined, timeout: 10_000, events: ['instance', 'group', 'server', 'quorum'] },
    ])
    const all = hook(`url ${URL}\nsecret Geheim3\ntimeout 2.5\nevents instance priority`)
    expect(load(all).config?.telling.webhooks).toEqual([
      { url: URL, secret: 'Geheim3', timeout: 2500, events: ['instance', 'priority'] },
    ])
  })

  test.each([
    ['url ftp://hooks.example/', 'expected a URL that begins with https:// or http://'],
    ['url hooks.example', 'expected a URL that begins with https:// or http://'],
    ['secret x', '`webhook` needs `url`'],
    [`url ${URL}\nevents masters`, 'expected one of instance, group,'],
  ])('%s is a mistake', (inside, message) => {
    const { config, diagnostics } = load(hook(inside))
    expect(config).toBeUndefined()
    expect(diagnostics[0]?.message).toContain(message)
  })

  test('keeps its secrets: the URL but for its origin, too', () => {
    const { settings } = load(hook(`url ${URL}\nsecret Geheim3`))
    expect(printSettings(settings)).toContain('url https://hooks.example/********\n')
    expect(printSettings(settings)).not.toContain('Geheim')
    const mistaken = load(hook('url https//Geheim2\nsecret Geheim3 Geheim4'))
    expect(mistaken.diagnostics.map((each) => formatDiagnostic(each)).join('\n')).not.toContain('Geheim')
  })
})
