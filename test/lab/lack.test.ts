import { describe, expect, test } from 'vitest'
import { readDrill } from '../../src/drill/language/read.ts'
import { lackOf, loadFile, type Pair } from '../../src/lab/pair.ts'

const instance = (priority: number) =>
  `vrrp_instance a {\n interface eth0\n virtual_router_id 7\n priority ${priority}\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n`
const service = (check: string, servers: readonly number[] = [11, 12]) =>
  `virtual_server 10.0.0.1 80 {\n lb_kind DR\n protocol TCP\n${servers
    .map((end) => `real_server 10.0.0.${end} 80 {\n ${check} {\n }\n}\n`)
    .join('')}}\n`

function pairOf(more: string): Pair {
  return [loadFile('a.conf', instance(150) + more), loadFile('b.conf', instance(100) + more)]
}

function lack(drill: string, pair: Pair, isOwn = false): string | undefined {
  const { drill: read } = readDrill({ name: 'x.yaml', text: `drill: a\nwhy: b\n${drill}` })
  if (read === undefined) throw new Error('a mistake in the drill')
  return lackOf(read, pair, isOwn)
}

describe('a pair lacks', () => {
  test('what the drill says that it needs', () => {
    const drill = 'needs: [ two servers ]\nsteps: [ wait: 1 s ]\n'
    expect(lack(drill, pairOf(service('TCP_CHECK', [11])))).toContain('at least two real servers')
    expect(lack(drill, pairOf(service('TCP_CHECK')))).toBeUndefined()
  })

  test('a virtual address that moves', () => {
    const none = loadFile('a.conf', service('TCP_CHECK'))
    expect(lack('steps: [ wait: 1 s ]\n', [none, none])).toContain('no virtual address')
  })

  test('a server that the drill names, wherever', () => {
    const pair = pairOf(service('TCP_CHECK'))
    expect(lack('steps: [ drain: server 2 ]\n', pair)).toBeUndefined()
    expect(lack('steps: [ drain: server 3 ]\n', pair)).toContain('no server 3')
    expect(lack('steps: [ wait for: { server: { server: server 4, is: up } } ]\n', pair)).toContain('no server 4')
    expect(
      lack('traffic: [ requests: 1 s ]\nsteps: [ wait: 1 s ]\nclaims: [ answered by: server 5 ]\n', pair),
    ).toContain('no server 5')
  })

  test('what the traffic of the drill asks', () => {
    const drill = (traffic: string) => `traffic: [ ${traffic} ]\nsteps: [ wait: 1 s ]\n`
    expect(lack(drill('requests: 1 s'), pairOf(''))).toContain("the drill's requests")
    expect(lack(drill('probe: udp'), pairOf(service('TCP_CHECK')))).toContain("the drill's probe")
    expect(lack(drill('probe: auto'), pairOf(''))).toBeUndefined()
    expect(lack(drill('connections: { count: 1, service: 2 }'), pairOf(service('TCP_CHECK')))).toBeDefined()
  })

  test('checks that see how the drill breaks a server', () => {
    const drill = 'needs: [ page checks ]\nsteps:\n  - break server: { server: server 2, how: silent }\n'
    expect(lack(drill, pairOf(service('TCP_CHECK')))).toContain('HTTP_GET or SSL_GET')
    expect(
      lack(drill, pairOf(service('HTTP_GET').replaceAll('HTTP_GET {', 'HTTP_GET {\n url {\n path /\n }'))),
    ).toBeUndefined()
  })

  test('no such checks where the server is in another virtual server, too', () => {
    const drill = 'needs: [ page checks ]\nsteps:\n  - break server: { server: server 2, how: silent }\n'
    const more = service('PING_CHECK')
      .replace('10.0.0.1 80', '10.0.0.1 7')
      .replaceAll(/(real_server \S+) 80/g, '$1 7')
    const paged = service('HTTP_GET').replaceAll('HTTP_GET {', 'HTTP_GET {\n url {\n path /\n }')
    expect(lack(drill, pairOf(paged + more))).toBeUndefined()
    expect(lack(drill, pairOf(more + paged))).toContain('HTTP_GET or SSL_GET')
  })

  test('checks where a server cannot be played, or files of the SSL block are missing', () => {
    const drill = 'needs: [ checks ]\nsteps: [ wait: 1 s ]\n'
    const paged = service('SSL_GET').replaceAll('SSL_GET {', 'SSL_GET {\n url {\n path /\n }')
    expect(lack(drill, pairOf(paged))).toBeUndefined()
    expect(lack(drill, pairOf(`SSL {\n ca /nowhere/ca.pem\n}\n${paged}`))).toContain('/nowhere/ca.pem')
    expect(lack(drill, pairOf(paged.replace('path /', 'path /\n regex x')))).toContain('cannot be played')
  })

  test('what only the pair of the drill has', () => {
    const drill = 'needs: [ its own ]\nsteps: [ wait: 1 s ]\n'
    expect(lack(drill, pairOf(''))).toContain('brings along alone')
    expect(lack(drill, pairOf(''), true)).toBeUndefined()
  })
})
