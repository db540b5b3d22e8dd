import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { printSettings } from '../../src/config/print.ts'
import { loadConfig } from '../../src/config/load.ts'
import { listKeywords } from '../../src/config/reference.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x.conf', text }, surroundings())
const messages = (text: string) => load(text).diagnostics.map((each) => formatDiagnostic(each))
const codes = (text: string) => load(text).diagnostics.map(({ code }) => code)

const instance = (inside: string) => `vrrp_instance a {
  interface eth0
  virtual_router_id 5
  virtual_ipaddress { 10.0.0.1 }
  ${inside}
}`
const service = (inside: string) => `virtual_server 10.0.0.1 80 {\n  protocol TCP\n  ${inside}\n}`

describe('the examples in conf', () => {
  const conf = join(import.meta.dirname, '../../conf')
  test.each(readdirSync(conf).filter((name) => name.endsWith('.conf')))('%s is good', (name) => {
    const { config, diagnostics } = loadConfig({ name, text: readFileSync(join(conf, name), 'utf8') }, surroundings())
    expect(diagnostics.filter(({ code }) => code !== 'not-running')).toEqual([])
    expect(config?.instances).not.toHaveLength(0)
  })
})

describe('a mistake is shown with its place', () => {
  test('a misspelt keyword gets a suggestion under a caret', () => {
    const [first] = messages(
      'vrrp_instance a {\n\tinterface eth0\n\tvirtual_router_id 5\n\tvirtual_ipadress {\n\t}\n}',
    ).filter((message) => message.includes('unknown-keyword'))
    expect(first).toBe(
      [
        'x.conf:4:2: error[unknown-keyword]: unknown keyword `virtual_ipadress` in vrrp_instance',
        '    4 | \tvirtual_ipadress {',
        '      | \t^^^^^^^^^^^^^^^^ did you mean `virtual_ipaddress`?',
      ].join('\n'),
    )
  })

  test('a keyword of a block around it tells where a brace is missing', () => {
    const text =
      'vrrp_instance a {\n authentication { auth_type PASS\n interface eth0\n virtual_ipadress { 10.0.0.1 }\n}\n}'
    const hints = load(text)
      .diagnostics.filter(({ code }) => code === 'unknown-keyword')
      .map(({ hint }) => hint)
    expect(hints).toEqual([
      '`interface` belongs to vrrp_instance: is a "}" missing above?',
      '`virtual_ipaddress` belongs to vrrp_instance: is a "}" missing above?',
    ])
  })

  test('what has no effect is named once a feature, with the reason', () => {
    const text = `global_defs { enable_traps }\n${instance('lvs_sync_daemon_interface eth0')}\n${instance('lvs_sync_daemon_interface eth1').replaceAll('a {', 'b {').replace(' 5', ' 6').replace('.1 }', '.2 }')}`
    const { config, diagnostics } = load(text)
    expect(config).toBeDefined()
    expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'no-effect: `enable_traps` has no effect: there is no SNMP agent',
      'not-running: `lvs_sync_daemon_interface` has no effect yet: connections are not synchronised with the other director; they break when it takes over (2 times in all)',
    ])
  })

  test('all mistakes come at once, errors first, in the order of the file', () => {
    expect(codes(`${instance('priority 0\n  advert_int x\n  state SLAVE')}\nfoo\n`)).toEqual([
      'bad-value',
      'bad-value',
      'unknown-keyword',
      'ignored-value',
    ])
  })

  test.each([
    ['vrrp_instance a {', 'missing-brace'],
    ['}', 'unexpected-brace'],
    ['{ }', 'unexpected-brace'],
    ['global_defs { router_id "x }', 'unterminated-quote'],
    ['global_defs { router_id }', 'missing-argument'],
    ['global_defs { router_id a b }', 'extra-argument'],
    [instance('nopreempt indeed'), 'extra-argument'],
    ['global_defs', 'missing-brace'],
    [instance('virtual_ipaddress { 10.0.0.300 }'), 'bad-value'],
    [instance('virtual_ipaddress { 10.0.0.2/33 }'), 'bad-value'],
    [instance('virtual_ipaddress { 10.0.0.2 dev }'), 'missing-argument'],
    [service('real_server 10.1.0.1 70000 { }'), 'bad-value'],
    [service('real_server 10.1.0.1 { HTTP_GET { url { status_code 99 } } }'), 'bad-value'],
  ])('%j is %s', (text, code) => {
    expect(codes(text)).toContain(code)
  })

  test('a warning does not refuse the file', () => {
    const { config, diagnostics } = load(instance('priority 7 x\n  priority 8'))
    expect(diagnostics.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'warning extra-argument',
      'note repeated-keyword',
    ])
    expect(config?.instances[0]?.priority).toBe(8)
  })
})

describe('configuration rules across keywords', () => {
  test.each([
    [
      'the same router id twice on an interface',
      `${instance('')}\n${instance('').replace(' a ', ' b ').replace('10.0.0.1', '10.0.0.2')}`,
      'virtual_router_id 5 on eth0',
    ],
    ['the same name twice', `${instance('')}\n${instance('')}`, 'another vrrp_instance is named `a`'],
    ['a sync group of nobody', `${instance('')}\nvrrp_sync_group g { group { b } }`, 'there is no vrrp_instance `b`'],
    ['DR to another port', service('lb_kind DR\n real_server 10.1.0.1 8080 { }'), 'DR cannot change the port'],
    ['a virtual server twice', `${service('')}\n${service('')}`, 'another virtual_server'],
    ['no protocol', 'virtual_server 10.0.0.1 80 { }', 'needs `protocol`'],
  ])('%s is refused', (_name, text, message) => {
    expect(load(text).config).toBeUndefined()
    expect(messages(text).join('\n')).toContain(message)
  })
})

describe('what a configuration file means', () => {
  test('defaults are those of keepalived', () => {
    expect(load(instance('')).config?.instances[0]).toMatchObject({
      version: 2,
      priority: 100,
      advertInt: 1000,
      preempt: true,
      addresses: [{ address: '10.0.0.1', prefix: 32, device: 'eth0' }],
      garp: { delay: 5000, repeat: 5 },
    })
    expect(load(instance('state MASTER')).config?.instances[0]?.priority).toBe(255)
    expect(load(service('')).config?.virtualServers[0]).toMatchObject({ scheduler: 'wlc', method: 'NAT', quorum: 1 })
  })

  test('a quorum above all weights is all weights, and hysteresis stays below it, as in keepalived', () => {
    const servers = '\n real_server 10.0.0.11 80 { weight 1 }\n real_server 10.0.0.12 80 { weight 2 }'
    const of = (inside: string) => load(service(`${inside} ${servers}`)).config?.virtualServers[0]
    expect(of('quorum 5\n hysteresis 7')).toMatchObject({ quorum: 3, hysteresis: 2 })
    expect(of('quorum 3\n hysteresis 1')).toMatchObject({ quorum: 3, hysteresis: 1 })
    expect(of('hysteresis 1')).toMatchObject({ quorum: 1, hysteresis: 0 })
  })

  test('one mark is a service of each family', () => {
    const of = (server: string) => `virtual_server fwmark 5 {\n real_server ${server} { }\n}\n`
    const { config, diagnostics } = load(`${of('2001:db8::1')}${of('10.1.0.1')}`)
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(config?.virtualServers.map(({ name }) => name)).toEqual(['FWM 5 IPv6', 'FWM 5'])
    const twice = load(`${of('10.1.0.2')}${of('10.1.0.1')}`)
    expect(twice.diagnostics.map(({ code }) => code)).toContain('duplicate-server')
  })

  test('a virtual server by firewall mark keeps the port; the ports of its servers are for their checks', () => {
    const text = `virtual_server fwmark 10 {
  persistence_timeout 300
  mark {
    TCP 10.0.0.1 80
    UDP 10.0.0.1
  }
  real_server 2001:db8::11 8080 { TCP_CHECK { } }
}`
    const { config } = load(text)
    expect(config?.virtualServers[0]).toMatchObject({
      services: [{ by: 'fwmark', mark: 10, family: 'inet6' }],
      marked: [
        { by: 'address', protocol: 'TCP', vip: { address: '10.0.0.1', port: 80 } },
        { by: 'address', protocol: 'UDP', vip: { address: '10.0.0.1', port: 0 } },
      ],
      persistence: { timeoutSeconds: 300, clientPrefix: 128 },
      realServers: [{ endpoint: { address: '2001:db8::11', port: 0 }, checks: [{ target: { port: 8080 } }] }],
    })
  })

  test('a real server has the method of its service, or its own', () => {
    const text = service(`lvs_method TUN type gue port 6080 csum
      sorry_server 10.1.0.9 80
      sorry_server_lvs_method DR
      real_server 10.1.0.1 80 { }
      real_server 10.1.0.2 80 { lvs_method NAT }
      real_server 10.1.0.3 80 { lvs_method TUN type gre }`)
    const server = load(text).config?.virtualServers[0]
    expect(server?.sorryServer?.forwarding).toEqual({ method: 'DR' })
    expect(server?.realServers.map(({ forwarding }) => forwarding)).toEqual([
      { method: 'TUN', tunnel: { type: 'gue', port: 6080, checksum: true } },
      { method: 'NAT' },
      { method: 'TUN', tunnel: { type: 'gre', checksum: false } },
    ])
  })

  test('full NAT has its local addresses, ranges and networks laid out, and a time-out of its own', () => {
    const text = `local_address_group local {
      10.1.0.201-202 eth1
      10.1.0.212/30
      10.1.0.220
    }
    ${service('lb_kind FNAT\n laddr_group_name local\n establish_timeout 30\n real_server 10.1.0.1 8080 { }')}`
    expect(load(text).config?.virtualServers[0]).toMatchObject({
      method: 'FNAT',
      idleSeconds: 30,
      localAddresses: [201, 202, 212, 213, 214, 215, 220].map((host) => `10.1.0.${host}`),
      realServers: [{ endpoint: { port: 8080 }, forwarding: { method: 'FNAT' } }],
    })
  })

  test('access lists: networks of both families in one order, and the same when they are printed and read again', () => {
    const text = service(`deny { 10.1.2.3/16 2001:DB8::1 }
      allow {
        2001:db8::/32 10.0.0.0/8
        192.0.2.1/32 192.0.2.1
      }
      through_firewall
      real_server 10.1.0.1 80 { }`)
    const access = [
      { verdict: 'allow', address: '10.0.0.0', length: 8 },
      { verdict: 'deny', address: '10.1.0.0', length: 16 },
      { verdict: 'allow', address: '192.0.2.1', length: 32 },
      { verdict: 'allow', address: '2001:db8::', length: 32 },
      { verdict: 'deny', address: '2001:db8::1', length: 128 },
    ]
    const { config, settings } = load(text)
    expect(config?.virtualServers[0]).toMatchObject({ access, throughFirewall: true })
    expect(load(printSettings(settings)).config).toEqual(config)
    expect(load(service('real_server 10.1.0.1 80 { }')).config?.virtualServers[0]).toMatchObject({
      access: [],
      throughFirewall: false,
    })
  })

  test('slow_start of a virtual server is for each server that does not say another one, and 0 is none', () => {
    const text = service(`slow_start 30
      real_server 10.1.0.1 80 { weight 9 }
      real_server 10.1.0.2 80 { slow_start 2.5\n weight 9 }
      real_server 10.1.0.3 80 { slow_start 0\n weight 9 }`)
    const { config, settings } = load(text)
    expect(config?.virtualServers[0]?.realServers.map(({ slowStart }) => slowStart)).toEqual([30_000, 2500, undefined])
    expect(load(printSettings(settings)).config).toEqual(config)
  })

  test('flap_limit has a number of changes and a time, and is worth no warning where checks are often enough', () => {
    const text = service('flap_limit 4 30\n delay_loop 10\n real_server 10.1.0.1 80 { TCP_CHECK { } }')
    const { config, settings, diagnostics } = load(text)
    expect(config?.virtualServers[0]?.flapLimit).toEqual({ changes: 4, within: 30_000 })
    expect(load(printSettings(settings)).config).toEqual(config)
    expect(diagnostics).toEqual([])
    expect(load(service('flap_limit 1 30\n real_server 10.1.0.1 80 { }')).diagnostics[0]?.code).toBe('bad-value')
  })

  test('observe_limit has a number of failures and a time', () => {
    const { config, settings } = load(service('observe_limit 10 30\n real_server 10.1.0.1 80 { }'))
    expect(config?.virtualServers[0]?.observeLimit).toEqual({ failures: 10, within: 30_000 })
    expect(load(printSettings(settings)).config).toEqual(config)
    expect(load(service('observe_limit 10\n real_server 10.1.0.1 80 { }')).diagnostics[0]?.severity).toBe('error')
  })

  test('slow_start is worth no warning where one server has a weight to grow, or a checker that may give it one', () => {
    const warnings = (inside: string) => load(service(`slow_start 30\n ${inside}`)).diagnostics.map(({ code }) => code)
    expect(warnings('real_server 10.1.0.1 80 { weight 9 }\n real_server 10.1.0.2 80 { }')).not.toContain(
      'ignored-value',
    )
    expect(warnings('real_server 10.1.0.1 80 { MISC_CHECK { misc_path /bin/true\n misc_dynamic } }')).not.toContain(
      'ignored-value',
    )
    expect(warnings('real_server 10.1.0.1 80 { }')).toContain('ignored-value')
  })

  test('a virtual server by firewall mark has passed the firewall, but not what only counts as marked', () => {
    const marked = (inside: string) =>
      load(`virtual_server fwmark 1 {\n through_firewall\n ${inside}\n real_server 10.1.0.1 80 { }\n}`).config
        ?.virtualServers[0]?.throughFirewall
    expect([marked(''), marked('mark {\n TCP 10.0.0.1 80\n}')]).toEqual([false, true])
  })

  test('a checker inherits from its real server, and that from its virtual server', () => {
    const text = service(`delay_loop 9\n retry 7\n virtualhost h
      real_server 10.1.0.1 8080 { retry 3
        HTTP_GET { connect_timeout 2
          url { path /a }
          url { virtualhost own
            status_code 200 301-302 } } }`)
    const check = load(text).config?.virtualServers[0]?.realServers[0]?.checks[0]
    expect(check).toMatchObject({
      delayLoop: 9000,
      warmup: 9000,
      retry: 3,
      timeout: 2000,
      delayBeforeRetry: 3000,
      target: { address: '10.1.0.1', port: 8080 },
      urls: [
        { path: '/a', virtualhost: 'h', statusCodes: [[200, 299]] },
        {
          path: '/',
          virtualhost: 'own',
          statusCodes: [
            [200, 200],
            [301, 302],
          ],
        },
      ],
    })
  })

  test.each([
    ['', undefined],
    ['require_reply', { pattern: undefined, minLength: 0, maxLength: 65_535 }],
    ['require_reply 706f6e67', { pattern: '706F6E67', minLength: 0, maxLength: 255 }],
    ['require_reply Ab12f 3 4x', { pattern: 'AB120F034X', minLength: 0, maxLength: 255 }],
    ['require_reply "Ab12f 3" 4x', { pattern: 'AB120F034X', minLength: 0, maxLength: 255 }],
    ['require_reply 70\n min_reply_length 4\n max_reply_length 9', { pattern: '70', minLength: 4, maxLength: 9 }],
  ])('UDP_CHECK { %s }', (text, reply) => {
    const { config } = load(service(`real_server 10.1.0.1 9 { UDP_CHECK { payload 70\n ${text}\n } }`))
    expect(config?.virtualServers[0]?.realServers[0]?.checks[0]).toMatchObject({ payload: '70', reply })
  })

  test('a reply that is required in letters is a mistake, not a flag', () => {
    const text = service('real_server 10.1.0.1 9 { UDP_CHECK { require_reply pong } }')
    expect(messages(text).join()).toContain('expected bytes in hexadecimal, X for any half of one, found `pong`')
  })

  test('comments, quotes and braces are read as keepalived reads them', () => {
    const text =
      'global_defs\n{ router_id "a b" ! comment\n} # more\nvrrp_instance a { interface eth0\nvirtual_router_id 5\nvirtual_ipaddress { 10.0.0.1 } }'
    expect(load(text).config?.routerId).toBe('a b')
  })
})

describe('no input breaks the reader of configurations', () => {
  const words = fc.constantFrom(
    '{',
    '}',
    '\n',
    '"',
    '!',
    '#',
    '\\#',
    '10.0.0.1',
    '80',
    'eth0',
    '-1',
    '$X=',
    '${X}',
    '@lb1',
    '~SEQ(i,1,3)',
    '~LST(i,a,b)',
    'include',
    "'",
    '\\',
    ...new Set(listKeywords().map(({ keyword }) => keyword)),
  )

  test('every diagnostic of random words lies inside the text', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (list) => {
        const text = list.join(' ')
        for (const diagnostic of load(text).diagnostics) {
          expect(diagnostic.at.start).toBeLessThanOrEqual(diagnostic.at.end)
          expect(diagnostic.at.end).toBeLessThanOrEqual(diagnostic.at.source.text.length)
          formatDiagnostic(diagnostic)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('random characters do not throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        load(text)
      }),
      { numRuns: 500 },
    )
  })
})
