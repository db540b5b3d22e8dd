import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { serviceName } from '../../src/model/service.ts'
import { surroundings } from './../support/surroundings.ts'

const REAL = 'real_server 10.1.0.1 80 { TCP_CHECK { } }'
const text = (lines: string, inside = `protocol TCP\n ${REAL}`, id = 'group web') =>
  `virtual_server_group web {\n ${lines}\n}\nvirtual_server ${id} {\n ${inside}\n}\n`
const load = (source: string) => loadConfig({ name: 'x', text: source }, surroundings())
const server = (source: string) => {
  const { config, diagnostics } = load(source)
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const [found] = config?.virtualServers ?? []
  if (found === undefined) throw new Error('there is no virtual server')
  return found
}
const found = (source: string) =>
  load(source).diagnostics.map(({ code, at, message }) => {
    const line = at.source.text.slice(0, at.start).split('\n').length
    return `${code} ${line}: ${message}`
  })

describe('a group', () => {
  test('is a virtual server of as many services as it has addresses and marks, each once', () => {
    const lines = ['10.0.0.1 80', '10.0.0.2-4 80', '10.0.0.1 443', '10.0.1.0/30 80', 'fwmark 7', 'fwmark 7 inet6'].join(
      '\n',
    )
    const { name, services, realServers } = server(text(lines, `protocol TCP\n lvs_method TUN\n ${REAL}`))
    expect(name).toBe('[web]:0 TCP')
    expect(services.map(serviceName)).toEqual([
      '[10.0.0.1]:tcp:80',
      '[10.0.0.2]:tcp:80',
      '[10.0.0.3]:tcp:80',
      '[10.0.0.4]:tcp:80',
      '[10.0.0.1]:tcp:443',
      '[10.0.1.0]:tcp:80',
      '[10.0.1.1]:tcp:80',
      '[10.0.1.2]:tcp:80',
      '[10.0.1.3]:tcp:80',
      'FWM 7',
      'FWM 7 IPv6',
    ])
    expect(realServers).toHaveLength(1)
  })

  test('of IPv6 has a range by its last part', () => {
    const { services } = server(
      text('2001:db8::1-3 80', 'protocol TCP\n real_server 2001:db8:1::1 80 { TCP_CHECK { } }'),
    )
    expect(services.map(serviceName)).toEqual(['[2001:db8::1]:tcp:80', '[2001:db8::2]:tcp:80', '[2001:db8::3]:tcp:80'])
  })

  test('of marks alone needs no protocol', () => {
    expect(server(text('fwmark 1\n fwmark 2', REAL))).toMatchObject({ name: '[web]:0' })
  })

  test('may be served by two protocols, and is two virtual servers then', () => {
    const two = `${text('10.0.0.1 53', `protocol TCP\n ${REAL}`)}virtual_server group web {\n protocol UDP\n ${REAL}\n}\n`
    expect(load(two).config?.virtualServers.map(({ name }) => name)).toEqual(['[web]:0 TCP', '[web]:0 UDP'])
  })

  test('with an address for every port is persistent, as keepalived has it', () => {
    const source = text('10.0.0.1 80\n 10.0.0.2', `protocol TCP\n ${REAL}`)
    expect(server(source).persistence).toMatchObject({ timeoutSeconds: 360 })
    expect(found(source)).toContainEqual(expect.stringMatching(/^assumed-value 5: /))
  })
})

describe('mistakes are told where they are', () => {
  test.each([
    ['a range that is too big', text('10.0.0.1 80\n 10.0.0.0/20 80'), /^too-many 3: a group holds 1 to 1024 addresses/],
    ['ranges that are too many together', text('10.0.0.0/23 80\n 10.0.2.0/23 80\n 10.0.4.1 80'), /^too-many 4: /],
    ['a range that ends before it begins', text('10.0.0.9-1 80'), /^too-many 2: /],
    [
      'a service of another virtual server',
      `${text('10.0.0.1-3 80')}virtual_server 10.0.0.2 80 {\n protocol TCP\n ${REAL}\n}`,
      /^duplicate-server 8: \[10\.0\.0\.2\]:tcp:80 belongs to another virtual_server, too, at x:2:2/,
    ],
    [
      'a service twice',
      text('10.0.0.1-3 80\n 10.0.0.2 80'),
      /^repeated-address 3: \[10\.0\.0\.2\]:tcp:80 is in this group twice/,
    ],
    [
      'a server of the other family',
      text('10.0.0.1 80\n 2001:db8::1 80'),
      /^mixed-families 7: the group has IPv6 addresses/,
    ],
    ['no port to check', text('10.0.0.1 80', 'protocol TCP\n real_server 10.1.0.1 { TCP_CHECK { } }'), /^bad-port 6: /],
    [
      'marks beside a group',
      text('10.0.0.1 80', `protocol TCP\n mark { TCP 10.0.0.3 80 }\n ${REAL}`),
      /^ignored-value 6: `mark` is for one/,
    ],
    ['no protocol', text('10.0.0.1 80', REAL), /^missing-keyword 4: virtual_server needs `protocol`/],
  ])('%s', (_what, source, expected) => {
    expect(found(source)).toContainEqual(expect.stringMatching(expected))
  })
})
