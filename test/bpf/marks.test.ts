import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AddressService, ServiceId } from '../../src/model/service.ts'
import { Bench, NETWORK, PASS, REDIRECT, VIP } from './bench.ts'
import { address, FLAG, tcp, udp } from './packets.ts'

const TEN: ServiceId = { by: 'fwmark', mark: 10, family: 'inet' }
const persistence = { timeoutSeconds: 300, clientPrefix: 32 }
const servers = (family: 'ipv4' | 'ipv6' = 'ipv4') =>
  [11, 12].map((host) => ({
    endpoint: { address: address(`${NETWORK[family].servers}${host}`), port: 0 },
    forwarding: { method: 'NAT' as const },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
const on = (port: number): AddressService => ({ by: 'address', vip: { address: address(VIP), port }, protocol: 'TCP' })

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

let ports = 20_000
const open = (to: number, client = '10.0.9.1', mark = 0) =>
  bench.send(tcp({ source: [client, ports++], destination: [VIP, to] }, FLAG.syn), mark)

test('what has the mark is the service, whatever its protocol and port; the port stays', () => {
  bench.lay(servers(), { scheduler: 'rr', id: TEN })
  expect(open(443, '10.0.9.1', 10)).toMatchObject({
    verdict: REDIRECT,
    packet: { ends: { destination: ['192.168.1.12', 443] } },
  })
  const datagram = udp({ source: ['10.0.9.1', 5000], destination: [VIP, 53] })
  expect(bench.send(datagram, 10).packet.ends.destination).toEqual(['192.168.1.11', 53])
  expect(open(443, '10.0.9.1', 11).verdict).toBe(PASS)
  expect(open(443).verdict).toBe(PASS)
})

test('the rest of a connection needs no mark, nor does its answer', () => {
  bench.lay(servers(), { scheduler: 'rr', id: TEN })
  const ends = { source: ['10.0.9.1', 1234], destination: [VIP, 80] } as const
  bench.send(tcp(ends, FLAG.syn), 10)
  expect(bench.send(tcp(ends, FLAG.ack)).packet.ends.destination).toEqual(['192.168.1.12', 80])
  const answer = tcp({ source: ['192.168.1.12', 80], destination: ['10.0.9.1', 1234] }, FLAG.syn | FLAG.ack)
  expect(bench.send(answer).packet.ends.source).toEqual([VIP, 80])
})

test('persistence by mark: 80 and 443 of a client are one server’s', () => {
  bench.lay(servers(), { scheduler: 'rr', id: TEN, persistence })
  const server = (client: string, to: number) => open(to, client, 10).packet.ends.destination[0]
  expect(server('10.0.9.1', 80)).toBe(server('10.0.9.1', 443))
  expect(server('10.0.9.2', 80)).not.toBe(server('10.0.9.1', 80))
})

test('without a firewall: addresses and ports that belong to the mark', () => {
  bench.lay(servers(), { scheduler: 'rr', id: TEN, persistence, marked: [on(80), on(443)] })
  const first = open(80)
  expect(first.verdict).toBe(REDIRECT)
  expect(open(443).packet.ends.destination).toEqual([first.packet.ends.destination[0], 443])
  expect(open(8080).verdict).toBe(PASS)
  const { connections } = bench.counters('service')
  expect(connections).toBe(2n)
  // One that is taken away leads nowhere; the others go on where they were.
  bench.lay(servers(), { scheduler: 'rr', id: TEN, persistence, marked: [on(443)] })
  expect(open(80).verdict).toBe(PASS)
  expect(open(443).packet.ends.destination[0]).toBe(first.packet.ends.destination[0])
})

test('a mark of IPv6 is another service', () => {
  bench.lay(servers('ipv6'), { scheduler: 'rr', id: { ...TEN, family: 'inet6' } })
  expect(open(80, '10.0.9.1', 10).verdict).toBe(PASS)
  const ends = { source: ['2001:db8:9::1', 1], destination: [NETWORK.ipv6.vip, 80] } as const
  expect(bench.send(tcp(ends, FLAG.syn), 10).packet.ends.destination).toEqual(['2001:db8:1::12', 80])
})
