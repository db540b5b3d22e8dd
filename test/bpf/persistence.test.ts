import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PlannedDestination } from '../../src/balance/plan.ts'
import type { Persistence, ServiceId } from '../../src/model/service.ts'
import type { Endpoint } from '../../src/model/endpoint.ts'
import { ip } from '../vrrp/instances.ts'
import { Bench, REDIRECT, VIP } from './bench.ts'
import { type Ends, FLAG, reverse, tcp, udp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const servers = (weights: readonly number[], port = 8080): PlannedDestination[] =>
  weights.map((weight, i) => ({
    endpoint: { address: ip(`192.168.1.${11 + i}`), port },
    forwarding: { method: 'NAT' },
    weight,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))

const minutes: Persistence = { timeoutSeconds: 360, clientPrefix: 32 }
const serve = (weights: readonly number[], persistence: Persistence = minutes) =>
  bench.lay(servers(weights), { scheduler: 'rr', persistence })
/** Ends the connection of a port at once. */
const reset = (port: number) => {
  const ends = { source: ['10.0.9.1', port], destination: [VIP, 80] } as const
  bench.send(tcp(ends, FLAG.ack))
  bench.send(tcp(ends, FLAG.rst))
}

let ports = 20_000
const pick = (client = '10.0.9.1') => bench.pick(ports++, client)

describe('a client of a persistent service', () => {
  test('leaves a server that lets its clients go with its next connection, and goes on there with those that it has', () => {
    serve([1, 1, 1])
    const port = ports
    expect(pick()).toBe('C')
    const drained = servers([1, 1, 0]).map((each) => ({ ...each, releasesClients: each.weight === 0 }))
    bench.lay(drained, { scheduler: 'rr', persistence: minutes })
    expect(bench.pick(port)).toBe('C')
    const other = pick()
    expect(['A', 'B']).toContain(other)
    expect(pick()).toBe(other)
    const loads = [...bench.core.destinations().values()].map(({ load }) => load.persistent)
    expect(loads.reduce((sum, each) => sum + each, 0)).toBe(1)
  })

  test('stays at its server; another client does not', () => {
    serve([1, 1, 1])
    expect([pick(), pick(), pick()].join('')).toBe('CCC')
    expect([pick('10.0.9.2'), pick('10.0.9.2'), pick()].join('')).toBe('BBC')
  })

  test('stays as long as it comes back in time; only a new connection begins the time anew', () => {
    serve([1, 1, 1])
    expect(pick()).toBe('C')
    reset(ports - 1)
    bench.wait(300)
    expect(pick()).toBe('C')
    reset(ports - 1)
    bench.wait(300)
    expect(pick()).toBe('C')
    reset(ports - 1)
    bench.wait(361).core.sweep()
    expect(pick()).toBe('B')
  })

  test('stays while a connection of its own goes on, and 60 seconds more', () => {
    serve([1, 1, 1])
    const port = ports
    expect(pick()).toBe('C')
    bench.send(tcp({ source: ['10.0.9.1', port], destination: [VIP, 80] }, FLAG.ack)) // established: 900 s
    bench.wait(400).core.sweep()
    expect(pick()).toBe('C')
    reset(ports - 1)
    reset(port)
    bench.wait(30).core.sweep()
    bench.wait(61).core.sweep()
    expect(pick()).toBe('B')
  })

  test('stays at a server that takes no new clients (weight 0), and leaves one that is gone', () => {
    serve([1, 1, 1])
    expect(pick()).toBe('C')
    serve([1, 1, 0])
    expect([pick(), pick('10.0.9.2')].join('')).toBe('CB')
    serve([1, 1])
    expect(['A', 'B']).toContain(pick())
  })

  test('counts as one with the clients of its network', () => {
    serve([1, 1, 1], { timeoutSeconds: 360, clientPrefix: 24 })
    expect([pick('10.0.9.1'), pick('10.0.9.250'), pick('10.0.8.1')].join('')).toBe('CCB')
  })
})

test('a service for every port sends all ports of a client to one server, each to the same port there', () => {
  bench.lay(servers([1, 1, 1], 0), { scheduler: 'rr', persistence: minutes, port: 0 })
  expect([bench.pick(1, '10.0.9.1', 80), bench.pick(2, '10.0.9.1', 443), bench.pick(3, '10.0.9.2', 22)].join('')).toBe(
    'CCB',
  )
  const { verdict, packet } = bench.send(tcp({ source: ['10.0.9.1', 4], destination: [VIP, 8443] }, FLAG.syn))
  expect(verdict).toBe(REDIRECT)
  expect(packet.ends.destination).toEqual(['192.168.1.13', 8443])
  const reply = bench.send(tcp({ source: ['192.168.1.13', 8443], destination: ['10.0.9.1', 4] }, FLAG.syn | FLAG.ack))
  expect(reply.packet.ends.source).toEqual([VIP, 8443])
})

describe('a connection that came through a template', () => {
  const XDP = { pass: 2, tx: 3 } as const
  const ends: Ends = { source: ['10.0.9.1', 40_000], destination: [VIP, 80] }
  const server: Ends = { source: ['192.168.1.11', 8080], destination: ends.source }
  const connections = () => [...bench.core.connections()]
  const lay = (protocol: 'TCP' | 'UDP', method: 'NAT' | 'DR' = 'NAT') =>
    bench.lay(
      servers([1]).map((each) => ({ ...each, forwarding: { method } })),
      { scheduler: 'rr', persistence: minutes, protocol },
    )
  const template = () => connections().find(({ client }) => client.port === 0)?.state

  test('a template of UDP is assured by the server’s answer', () => {
    lay('UDP')
    for (let i = 0; i < 3; i++) bench.run(udp(ends))
    expect(template()).toBe('NONE')
    expect(bench.sendXdp(udp(server)).verdict).toBe(XDP.pass) // which tc has to see
    expect(template()).toBe('NONE')
    bench.run(udp(server))
    expect(template()).toBe('ASSURED')
    expect(bench.sendXdp(udp(server)).verdict).toBe(XDP.tx)
  })

  test('one of UDP by direct routing never is, since no answer is seen', () => {
    lay('UDP', 'DR')
    for (let i = 0; i < 3; i++) bench.run(udp(ends))
    expect(template()).toBe('NONE')
  })

  test('a SYN to a connection in TIME_WAIT goes on with it: it counts once', () => {
    lay('TCP')
    bench.run(tcp(ends, FLAG.syn))
    bench.run(tcp(server, FLAG.fin | FLAG.ack))
    bench.run(tcp(ends, FLAG.fin | FLAG.ack))
    const states = () => connections().flatMap(({ client, state }) => (client.port === 0 ? [] : [state]))
    expect(states()).toEqual(['TIME_WAIT'])
    expect(bench.run(tcp(ends, FLAG.syn))).toBe(REDIRECT)
    expect([states(), bench.counters('service').connections]).toEqual([['SYN_RECV'], 1n])
    expect(bench.send(tcp(server, FLAG.syn | FLAG.ack)).packet.ends).toEqual(reverse(ends))
  })
})

test.each<[string, ServiceId | number, number, string]>([
  ['a port', 80, 8080, '10.0.0.100:80 -> 192.168.1.11:8080'],
  ['FTP', 21, 21, '10.0.0.100:0 -> 192.168.1.11:0'],
  ['every port', 0, 0, '10.0.0.100:0 -> 192.168.1.11:0'],
  ['every port, all to one', 0, 8080, '10.0.0.100:0 -> 192.168.1.11:0'],
  ['a mark', { by: 'fwmark', mark: 7, family: 'inet' }, 8080, '0.0.0.7:0 -> 192.168.1.11:0'],
])('a template for %s has the ports that IPVS shows', (_what, service, port, shown) => {
  const where = typeof service === 'number' ? { port: service } : { id: service }
  bench.lay(servers([1], port), { scheduler: 'rr', persistence: minutes, ...where })
  bench.send(tcp({ source: ['10.0.9.1', 5000], destination: [VIP, where.port || 80] }, FLAG.syn), 7)
  const templates = [...bench.core.connections()].filter(({ client }) => client.port === 0)
  const text = ({ address, port: of }: Endpoint) => `${address}:${of}`
  expect(templates.map(({ virtual, destination }) => `${text(virtual)} -> ${text(destination)}`)).toEqual([shown])
})
