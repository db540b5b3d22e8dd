import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Answer } from '../../src/check/health.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { Lab } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'
import { ip } from '../vrrp/instances.ts'

/** What a connection may come to on its way to a server that does not answer as it should: TCP_CHECK, HTTP_GET and SSL_GET alike. */
const lab = new Lab()
const TIMEOUT = 700
/** What a busy machine takes for an answer that is there at once. */
const NOISE = 3000

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.2/24' }])
  await new WebServer(lab, 'server').start()
  // Else it tells one host six errors at once, and then one a second.
  lab.run('server', ['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0'])
  const refuse = (port: number, how: string) =>
    lab.run('server', ['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', `${port}`, ...how.split(' ')])
  refuse(1001, '-j DROP')
  refuse(1002, '-j REJECT --reject-with tcp-reset')
  refuse(1003, '-j REJECT --reject-with icmp-host-unreachable')
  refuse(1004, '-j REJECT --reject-with icmp-port-unreachable')
  refuse(1005, '-j REJECT --reject-with icmp-admin-prohibited')
})
afterAll(() => lab.destroy())

function ask(type: 'TCP_CHECK' | 'HTTP_GET' | 'SSL_GET', address: string, port: number): Answer {
  const schedule = {
    target: { address: ip(address), port },
    delayLoop: millis(0),
    timeout: millis(TIMEOUT),
    retry: 0,
    delayBeforeRetry: millis(0),
    warmup: millis(0),
  }
  const urls = [{ path: '/', statusCodes: [[200, 299] as const], virtualhost: undefined }]
  const check: Check =
    type === 'TCP_CHECK'
      ? { ...schedule, type }
      : type === 'HTTP_GET'
        ? { ...schedule, type, urls, protocol: '1.1' }
        : { ...schedule, type, urls, protocol: '1.1', tls: { verify: false, compliant: false } }
  const script = join(import.meta.dirname, '../support/ask-process.ts')
  return JSON.parse(lab.run('director', [process.execPath, script, JSON.stringify(check)])) as Answer
}

test('a server that is there', () => {
  expect(ask('TCP_CHECK', '10.0.0.2', 80)).toMatchObject({ up: true, reason: 'connected' })
  expect(ask('HTTP_GET', '10.0.0.2', 80)).toMatchObject({ up: true, reason: 'status 200' })
})

test.each([
  ['packets that nobody answers', '10.0.0.2', 1001, 'no answer within 0.7 s'],
  ['a reset', '10.0.0.2', 1002, 'ECONNREFUSED'],
  ['an unreachable host, by ICMP', '10.0.0.2', 1003, 'EHOSTUNREACH'],
  ['an unreachable port, by ICMP', '10.0.0.2', 1004, 'ECONNREFUSED'],
  ['a firewall, by ICMP', '10.0.0.2', 1005, 'EHOSTUNREACH'],
  ['an address that nobody has', '10.0.0.3', 80, 'no answer within 0.7 s'],
  ['a network without a route', '10.9.9.9', 80, 'ENETUNREACH'],
])('%s', (_what, address, port, reason) => {
  for (const type of ['TCP_CHECK', 'HTTP_GET', 'SSL_GET'] as const) {
    // A neighbour that was not found a moment ago would be unreachable at once.
    lab.ip('director', ['neighbour flush dev eth0'])
    const answer = ask(type, address, port)
    expect(answer, type).toMatchObject({ up: false, reason })
    const isSlow = reason.startsWith('no answer')
    expect(answer.duration).toBeGreaterThan(isSlow ? TIMEOUT - 5 : 0)
    expect(answer.duration).toBeLessThan(isSlow ? TIMEOUT + NOISE : NOISE)
  }
})
