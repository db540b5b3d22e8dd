import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, client, NETWORK, PASS, REDIRECT, VIP } from './bench.ts'
import { address, FLAG, tcp, udp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const server = (host: number, port = 8080) => ({
  endpoint: { address: address(`192.168.1.${host}`), port },
  forwarding: { method: 'NAT' as const },
  weight: 1,
  fullWeight: 1,
  thresholds: { upper: 0, lower: 0 },
})

describe('one-packet scheduling', () => {
  test('every datagram of a client is scheduled alone, and no connection is kept', () => {
    bench.lay([server(11), server(12)], { scheduler: 'rr', protocol: 'UDP', onePacket: true })
    const ask = () => bench.send(udp(client())).packet.ends.destination[0]
    expect([ask(), ask(), ask()]).toEqual(['192.168.1.12', '192.168.1.11', '192.168.1.12'])
    expect([bench.load('A'), bench.load('B')]).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(bench.counters('service')).toMatchObject({ connections: 3n, inPackets: 3n })
    expect([...bench.core.connections()]).toEqual([])
    // Its answer is nobody's.
    expect(bench.send(udp({ source: ['192.168.1.12', 8080], destination: ['10.0.9.1', 40000] })).verdict).toBe(PASS)
  })

  test('with persistence the client stays', () => {
    const persistence = { timeoutSeconds: 60, clientPrefix: 32 }
    bench.lay([server(11), server(12)], { scheduler: 'rr', protocol: 'UDP', onePacket: true, persistence })
    const ask = () => bench.send(udp(client())).packet.ends.destination[0]
    expect(new Set([ask(), ask(), ask()]).size).toBe(1)
    bench.wait(61).core.sweep()
    expect([...bench.core.destinations().values()].map(({ load }) => load.persistent)).toEqual([0, 0])
  })
})

describe('time-outs', () => {
  test('that were changed hold from the next packet on', () => {
    bench.serve([1]).core.setTimeouts({ tcp: 50, tcpFin: 5, udp: 7 })
    expect(bench.core.timeouts).toEqual({ tcp: 50, tcpFin: 5, udp: 7 })
    bench.send(tcp(client(), FLAG.syn))
    bench.send(tcp(client(), FLAG.ack))
    const seconds = () => [...bench.core.connections()].map(({ expiresSeconds }) => expiresSeconds)
    expect(seconds()[0]).toBeGreaterThanOrEqual(48)
    expect(seconds()[0]).toBeLessThanOrEqual(50)
    bench.send(tcp({ source: ['192.168.1.11', 8080], destination: ['10.0.9.1', 40000] }, FLAG.fin | FLAG.ack))
    expect(seconds()[0]).toBeLessThanOrEqual(5)
  })
})

test('the clock goes on without being moved', async () => {
  bench.serve([1])
  bench.send(tcp(client(), FLAG.syn))
  bench.send(tcp(client(), FLAG.ack))
  const seconds = () => [...bench.core.connections()].map(({ expiresSeconds }) => expiresSeconds)[0] ?? 0
  await sleep(2000)
  const before = seconds()
  bench.send(tcp(client(), FLAG.ack))
  expect(seconds()).toBeGreaterThan(before)
})

describe('the list of connections', () => {
  test('shows both ends, the state, and the client of a template', () => {
    const persistence = { timeoutSeconds: 300, clientPrefix: 24 }
    bench.lay([server(11)], { scheduler: 'rr', persistence })
    bench.send(tcp(client(), FLAG.syn))
    const shown = () =>
      [...bench.core.connections()].map(({ protocol, state, client: from, virtual, destination }) =>
        [protocol, state, ...[from, virtual, destination].map((end) => `${end.address}:${end.port}`)].join(' '),
      )
    expect(shown()).toEqual([
      `TCP SYN_RECV 10.0.9.1:40000 ${VIP}:80 192.168.1.11:8080`,
      `TCP NONE 10.0.9.0:0 ${VIP}:80 192.168.1.11:8080`,
    ])
    bench.send(tcp(client(), FLAG.ack))
    expect(shown()).toEqual([
      `TCP ESTABLISHED 10.0.9.1:40000 ${VIP}:80 192.168.1.11:8080`,
      `TCP ASSURED 10.0.9.0:0 ${VIP}:80 192.168.1.11:8080`,
    ])
  })

  test('of IPv6, and of a service by mark', () => {
    const { vip } = NETWORK.ipv6
    bench.serve([1], { family: 'ipv6', protocol: 'UDP' })
    bench.send(udp({ source: ['2001:db8:9::1', 53], destination: [vip, 80] }))
    expect([...bench.core.connections()]).toMatchObject([
      {
        protocol: 'UDP',
        state: 'UDP',
        client: { address: '2001:db8:9::1', port: 53 },
        virtual: { address: vip, port: 80 },
      },
    ])
    bench.lay([server(11, 0)], {
      scheduler: 'rr',
      id: { by: 'fwmark', mark: 7, family: 'inet' },
      persistence: { timeoutSeconds: 300, clientPrefix: 32 },
    })
    expect(bench.send(tcp(client(), FLAG.syn), 7).verdict).toBe(REDIRECT)
    expect([...bench.core.connections()].find(({ protocol }) => protocol === 'IP')).toMatchObject({
      client: { address: '10.0.9.1', port: 0 },
      virtual: { address: '0.0.0.7', port: 0 },
      destination: { address: '192.168.1.11', port: 0 },
    })
  })

  test('is whole when there are many', () => {
    bench.serve([1])
    for (let port = 1001; port <= 10_000; port++) bench.send(tcp(client(port), FLAG.syn))
    const ports = new Set([...bench.core.connections()].map((connection) => connection.client.port))
    expect(ports.size).toBe(9000)
  })
})

test('templates are counted for their server, and forgotten with it', () => {
  const persistence = { timeoutSeconds: 300, clientPrefix: 32 }
  const lay = (...hosts: readonly number[]) =>
    bench.lay(
      hosts.map((host) => server(host)),
      { scheduler: 'rr', persistence },
    )
  lay(11)
  for (const from of ['10.0.9.1', '10.0.9.2']) bench.send(tcp({ source: [from, 1], destination: [VIP, 80] }, FLAG.syn))
  const persistent = () => [...bench.core.destinations().values()].map(({ load }) => load.persistent)
  expect(persistent()).toEqual([2])
  // Its slot goes to another server once its connections are over; that one does not inherit its clients.
  lay()
  bench.wait(100).core.sweep()
  lay(12)
  expect(persistent()).toEqual([0])
  bench.send(tcp({ source: ['10.0.9.1', 2], destination: [VIP, 80] }, FLAG.syn))
  expect(persistent()).toEqual([1])
})

describe('a flood of SYNs, ten times as many as the table holds', () => {
  const ROOM = 2048
  const established = 1000
  const flood = (from: number, count: number) => {
    for (let i = from; i < from + count; i++) {
      const source = [`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, 1024 + (i % 50_000)] as const
      bench.send(tcp({ source, destination: [VIP, 80] }, FLAG.syn))
    }
  }

  test('leaves established connections as they are; half-open ones make room, and new clients get through', () => {
    bench.close()
    bench = new Bench({ maxConnections: ROOM })
    expect(bench.core.maxConnections).toBe(ROOM)
    bench.serve([1, 1])
    for (let port = 1001; port <= 1000 + established; port++) {
      bench.send(tcp(client(port), FLAG.syn))
      bench.send(tcp(client(port), FLAG.ack))
    }
    const before = new Map([...bench.core.connections()].map((each) => [each.client.port, each.destination.address]))
    flood(0, 10 * ROOM)
    expect(bench.core.drops()['table-full']).toBeGreaterThan(0n)
    for (let port = 1001; port <= 1000 + established; port++) {
      const { verdict, packet } = bench.send(tcp(client(port), FLAG.ack, 'x'))
      expect([verdict, packet.ends.destination[0]]).toEqual([REDIRECT, before.get(port)])
    }
    // Every sweep frees some, until the table is a quarter empty.
    for (let sweep = 0; sweep < 100; sweep++) bench.core.sweep()
    const left = [...bench.core.connections()]
    expect(left.filter(({ state }) => state === 'ESTABLISHED')).toHaveLength(established)
    expect(left.length).toBeLessThanOrEqual(ROOM * 0.75)
    expect(Number(bench.core.drops()['half-open'])).toBe(ROOM - left.length)
    const { verdict, packet } = bench.send(tcp(client(5000), FLAG.syn))
    expect([verdict, packet.icmp]).toEqual([REDIRECT, undefined])
    const active = [bench.load('A'), bench.load('B')].map(([count]) => count)
    expect((active[0] ?? 0) + (active[1] ?? 0)).toBe(left.length + 1)
  })
})

test('a connection that is forgotten is gone from the table and the counts, both ways', () => {
  bench.serve([1])
  bench.send(tcp(client(), FLAG.syn))
  bench.send(tcp(client(), FLAG.ack))
  const [connection] = bench.core.connections()
  if (connection === undefined) throw new Error('no connection')
  expect([bench.core.forget(connection), bench.core.forget(connection)]).toEqual([true, false])
  expect(bench.load()).toEqual([0, 0])
  expect(bench.send(tcp(client(), FLAG.ack)).verdict).toBe(PASS)
  const answer = tcp({ source: ['192.168.1.11', 8080], destination: ['10.0.9.1', 40000] }, FLAG.ack)
  expect(bench.send(answer).packet.flags).toBe(FLAG.rst | FLAG.ack)
})
