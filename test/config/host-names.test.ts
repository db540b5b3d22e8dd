import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import type { HostAnswer } from '../../src/model/host-name.ts'
import { surroundings } from '../support/surroundings.ts'
import { ip } from '../vrrp/instances.ts'

const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())
const service = (inside: string, head = '10.0.0.9 80') => `virtual_server ${head} {\n  protocol TCP\n  ${inside}\n}`
const answer = (host: string, ...addresses: string[]): HostAnswer => ({
  host,
  family: addresses[0]?.includes(':') === true ? 'inet6' : 'inet',
  addresses: addresses.map(ip),
})
const www = service(`real_server WWW.example.com 8080 {
    weight 3
    notify_up /bin/true
    TCP_CHECK { }
  }
  real_server 10.1.0.1 80 { }`)

describe('a real server that has a name', () => {
  test('is asked for by its name, in the family of the virtual server', () => {
    const { config, diagnostics } = load(www)
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(config?.hosts).toEqual([{ host: 'www.example.com', family: 'inet' }])
    expect(load(service('real_server db { }', '2001:db8::1 80')).config?.hosts).toEqual([
      { host: 'db', family: 'inet6' },
    ])
    const group = `virtual_server_group g { 10.0.0.1 80\n 2001:db8::1 80 }\n${service('real_server db { }', 'group g')}`
    expect(load(group).config?.hosts.map(({ family }) => family)).toEqual(['inet', 'inet6'])
    expect(load(service('real_server db { }\n real_server db 81 { }')).config?.hosts).toHaveLength(1)
  })

  test('is not there while nobody knows its address, and a server at each of them then, with all that it has', () => {
    const { config, configAt } = load(www)
    expect(config?.virtualServers[0]?.realServers.map(({ endpoint }) => endpoint.address)).toEqual(['10.1.0.1'])
    const found = configAt([answer('www.example.com', '10.1.0.7', '10.1.0.8')])
    const [server] = found?.virtualServers ?? []
    expect(server?.realServers).toMatchObject([
      { endpoint: { address: '10.1.0.7', port: 8080 }, host: 'www.example.com', weight: 3 },
      { endpoint: { address: '10.1.0.8', port: 8080 }, host: 'www.example.com', weight: 3 },
      { endpoint: { address: '10.1.0.1', port: 80 } },
    ])
    expect(server?.realServers.map(({ checks }) => checks.map((check) => 'target' in check && check.target))).toEqual([
      [{ address: '10.1.0.7', port: 8080 }],
      [{ address: '10.1.0.8', port: 8080 }],
      [],
    ])
    expect(found?.scripts.services[0]?.servers.map(({ server: name, up }) => [name, up !== undefined])).toEqual([
      ['[10.1.0.7]:8080', true],
      ['[10.1.0.8]:8080', true],
      ['[10.1.0.1]:80', false],
    ])
  })

  test('is one with another server at its address: the first one counts', () => {
    const text = service('real_server a { weight 1 }\n real_server b { weight 2 }\n real_server 10.1.0.1 { weight 3 }')
    const [server] =
      load(text).configAt([answer('a', '10.1.0.1'), answer('b', '10.1.0.1', '10.1.0.2')])?.virtualServers ?? []
    expect(server?.realServers.map(({ endpoint, weight }) => [endpoint.address, weight])).toEqual([
      ['10.1.0.1', 1],
      ['10.1.0.2', 2],
    ])
  })

  test('has a quorum that its addresses can reach', () => {
    const { configAt } = load(service('quorum 2\n real_server a { }\n real_server b { }'))
    const quorum = (...answers: HostAnswer[]) => configAt(answers)?.virtualServers[0]?.quorum
    expect(quorum()).toBe(1)
    expect(quorum(answer('a', '10.1.0.1'))).toBe(1)
    expect(quorum(answer('a', '10.1.0.1'), answer('b', '10.1.0.2', '10.1.0.3'))).toBe(2)
  })

  test('does not change what a firewall mark is of when its address is known', () => {
    const text = 'virtual_server fwmark 1 {\n real_server db { }\n real_server 2001:db8::1 { }\n lvs_method TUN\n }'
    const names = [[], [answer('db', '10.1.0.1')]].map((known) => load(text).configAt(known)?.virtualServers[0]?.name)
    expect(names).toEqual(['FWM 1', 'FWM 1'])
  })

  test('is printed as it is written', () => {
    const { config, settings } = load(www)
    expect(printSettings(settings)).toContain('real_server www.example.com 8080 {')
    expect(load(printSettings(settings)).config).toEqual(config)
  })
})

test.each([
  '10.0.0.300',
  '10.0.0',
  '10.0.0.1O',
  '10.0.0.l',
  'web_',
  '-web',
  'a..b',
  'web.',
  '10.0.0.1/33',
  `${'a'.repeat(64)}.b`,
])('no name and no address: %s', (text) => {
  const codes = load(service(`real_server ${text} 80 { }`)).diagnostics.map(({ code }) => code)
  expect(codes.includes('bad-value')).toBe(text !== 'web.')
})
