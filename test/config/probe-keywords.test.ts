import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { escapedText } from '../../src/config/schema/escaped-text.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x.conf', text }, surroundings())
const server = (check: string) =>
  `virtual_server 10.0.0.1 80 {\n protocol TCP\n delay_loop 7\n real_server 10.1.0.1 80 {\n ${check}\n }\n}`
const messages = (check: string) =>
  load(server(check))
    .diagnostics.map((each) => formatDiagnostic(each))
    .join('\n')

/** What checkers come to; what is printed of them comes to the same. */
function checksOf(check: string): readonly unknown[] | undefined {
  const { config, settings, diagnostics } = load(server(check))
  expect(diagnostics).toEqual([])
  expect(load(printSettings(settings)).config).toEqual(config)
  return config?.virtualServers[0]?.realServers[0]?.checks
}
const checkOf = (check: string): unknown => checksOf(check)?.[0]

describe('DNS_CHECK', () => {
  test('asks for the SOA of the root, three times more, delay_loop apart', () => {
    expect(checkOf('DNS_CHECK {\n }')).toEqual({
      type: 'DNS_CHECK',
      target: { address: '10.1.0.1', port: 80 },
      delayLoop: 7000,
      timeout: 5000,
      retry: 3,
      delayBeforeRetry: 7000,
      warmup: 7000,
      query: { type: 'SOA', name: '.', answer: undefined },
    })
  })

  test('what is said counts', () => {
    const said =
      'type MX\n name example.com.\n answer mx.example.com\n connect_port 53\n retry 0\n delay_before_retry 2'
    expect(checkOf(`DNS_CHECK {\n ${said}\n }`)).toMatchObject({
      target: { address: '10.1.0.1', port: 53 },
      retry: 0,
      delayBeforeRetry: 2000,
      query: { type: 'MX', name: 'example.com.', answer: 'mx.example.com' },
    })
  })

  test.each(['a..b', '.a', `${'x'.repeat(64)}.example`, `${'x.'.repeat(126)}xx`, `${'ü'.repeat(32)}.example`])(
    'a name that fits into no message is a mistake: %s',
    (name) => {
      expect(messages(`DNS_CHECK {\n name ${name}\n }`)).toContain('expected a domain name')
    },
  )
})

describe('SMTP_CHECK', () => {
  test('a name and TLS are there when they are said', () => {
    expect(checksOf('SMTP_CHECK {\n }')).toMatchObject([{ heloName: undefined, startTls: false, retry: 1 }])
    const said = 'helo_name lb.example\n starttls'
    expect(checkOf(`SMTP_CHECK {\n ${said}\n }`)).toMatchObject({ heloName: 'lb.example', startTls: true })
  })

  test('each old block `host` is a checker, which has from the block what that says', () => {
    const first = 'host {\n connect_ip 10.1.0.8\n connect_port 2525\n retry 4\n }'
    const second = 'host {\n connect_timeout 2\n }'
    const outside = 'connect_port 26\n connect_timeout 3\n retry 2\n helo_name lb'
    expect(checksOf(`SMTP_CHECK {\n ${outside}\n ${first}\n ${second}\n }`)).toMatchObject([
      { target: { address: '10.1.0.8', port: 2525 }, timeout: 3000, retry: 4, heloName: 'lb' },
      { target: { address: '10.1.0.1', port: 26 }, timeout: 2000, retry: 2, heloName: 'lb' },
    ])
  })
})

describe('TCP_CHECK', () => {
  test('without more, a connection is enough', () => {
    expect(checkOf('TCP_CHECK {\n }')).not.toHaveProperty('talk')
  })

  test.each([
    ['send "PING\\r\\n"\n expect +PONG', { protocol: 'bytes', send: '50494E470D0A', expect: '2B504F4E47' }],
    ['expect "SSH-2.0 \\x41\\\\\\0ü"', { protocol: 'bytes', send: undefined, expect: '5353482D322E3020415C00C3BC' }],
    ['send_hex 0a 0b\n expect_hex FF', { protocol: 'bytes', send: '0A0B', expect: 'FF' }],
    ['send "\\x22\\x23\\x7b"', { protocol: 'bytes', send: '22237B', expect: undefined }],
    ['protocol redis', { protocol: 'redis' }],
    ['protocol grpc', { protocol: 'grpc', service: '' }],
    ['protocol grpc\n service a.B', { protocol: 'grpc', service: 'a.B' }],
    ['protocol mysql', { protocol: 'mysql', user: 'tanist' }],
    ['protocol postgresql\n user monitor', { protocol: 'postgresql', user: 'monitor' }],
  ])('%s', (said, talk) => {
    expect(checkOf(`TCP_CHECK {\n ${said}\n }`)).toMatchObject({ talk })
  })

  test.each(['send "\\q"', 'send "\\x4"', 'send "x\\"', 'expect ""'])('%s is a mistake', (said) => {
    expect(messages(`TCP_CHECK {\n ${said}\n }`)).toContain('expected text with no other escapes')
  })

  test.each([
    ['protocol redis\n send x', '`protocol redis` says what is sent and expected; this has no effect'],
    ['protocol ldap\n expect_hex 00', '`protocol ldap` says what is sent and expected; this has no effect'],
    ['send x\n send_hex 00', '`send` says what is sent; this has no effect'],
    ['expect x\n expect_hex 00', '`expect` says what is expected; this has no effect'],
    ['service x', '`service` is for grpc; this has no effect'],
    ['user x\n protocol redis', '`user` is for mysql and postgresql; this has no effect'],
  ])('what has no effect is told: %s', (said, message) => {
    expect(messages(`TCP_CHECK {\n ${said}\n }`)).toContain(`warning[ignored-value]: ${message}`)
  })

  test('whatever bytes are printed are read again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex').toUpperCase()
        const { settings, config } = load(server(`TCP_CHECK {\n send ${escapedText.print(hex)}\n }`))
        expect(config?.virtualServers[0]?.realServers[0]?.checks[0]).toMatchObject({ talk: { send: hex } })
        expect(load(printSettings(settings)).config).toEqual(config)
      }),
    )
  })
})

const loadOf = (checker: string, target = '10.0.0.2') => {
  const text = `virtual_server ${target.includes(':') ? 'fd00::1' : '10.0.0.1'} 80 {\n protocol TCP\n real_server ${target} 80 {\n  ${checker}\n }\n}`
  const { config, diagnostics } = loadConfig({ name: 'x.conf', text }, surroundings())
  return {
    check: config?.virtualServers[0]?.realServers[0]?.checks[0],
    told: diagnostics.map((each) => formatDiagnostic(each).split('\n')[0]),
  }
}

describe('the source of checks', () => {
  test('what the file says, and nothing else', () => {
    const all = 'TCP_CHECK { bindto 10.0.0.9\n bind_port 4000\n bind_if eth1\n fwmark 4294967295\n}'
    expect(loadOf(all).check).toHaveProperty('source', {
      address: '10.0.0.9',
      port: 4000,
      interface: 'eth1',
      mark: 4_294_967_295,
    })
    expect(loadOf('TCP_CHECK { fwmark 0 }').check).not.toHaveProperty('source')
  })

  test('an address of the other family is none; a link-local one needs an interface', () => {
    const other = loadOf('TCP_CHECK { bindto fd00::1 }')
    expect(other.check).not.toHaveProperty('source')
    expect(other.told).toEqual([
      'x.conf:4:15: warning[ignored-value]: it has no effect: 10.0.0.2 is of the other family',
    ])
    expect(loadOf('AGENT_CHECK { bindto fd00::1 }').told.filter((line) => line?.includes('other family'))).toHaveLength(
      1,
    )
    const local = loadOf('TCP_CHECK { bindto fe80::1 }', 'fd00::2')
    expect(local.told).toEqual(['x.conf:4:15: error[missing-keyword]: a link-local source needs `bind_if`'])
    expect(loadOf('TCP_CHECK { bindto fe80::1\n bind_if eth0 }', 'fd00::2').told).toEqual([])
  })
})
