import { afterEach, beforeEach, expect, test } from 'vitest'
import { Core } from '../../src/forward/ebpf/core.ts'
import { Bench, client, NAME, NETWORK, PASS, REDIRECT } from './bench.ts'
import { type Ends, FLAG, icmpError, reverse, tcp, udp, udpFragments } from './packets.ts'

/** XDP_PASS and XDP_TX. */
const XDP = { pass: 2, tx: 3 } as const
const GRACE = 60

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const forwarded: Ends = { source: client().source, destination: ['192.168.1.11', 8080] }
const client6: Ends = { source: ['2001:db8:9::1', 40_000], destination: [NETWORK.ipv6.vip, 80] }

/** An established connection, and a core that was left. */
function left(): void {
  bench.serve([1])
  bench.send(tcp(client(), FLAG.syn))
  bench.send(tcp(client(), FLAG.ack))
  bench.leave(GRACE)
}

test.each([
  ['of a known client', tcp(client(), FLAG.ack, 'data')],
  ['of a new client', tcp(client(40_001), FLAG.syn)],
  ['of a server', tcp(reverse(forwarded), FLAG.ack, 'data')],
  ['ICMP about a connection', icmpError(3, 4, '192.168.1.11', '10.0.9.1', tcp(forwarded, FLAG.ack))],
])('a core that its daemon has left works until its deadline, then passes everything: %s', (_name, frame) => {
  left()
  expect(bench.wait(GRACE - 2).send(frame).verdict).toBe(REDIRECT)
  bench.wait(4)
  const { inPackets } = bench.counters('service')
  expect(bench.send(frame).verdict).toBe(PASS)
  expect(bench.sendRaw(frame)).toEqual(frame)
  expect(bench.counters('service').inPackets).toBe(inPackets)
})

test('so do IPv6, UDP, fragments, and the short way of XDP', () => {
  const [first, second] = udpFragments(client(), 'x'.repeat(64), 24)
  bench.serve([1], { protocol: 'UDP' }).send(udp(client()))
  bench.leave(GRACE).wait(GRACE - 2)
  for (const frame of [udp(client()), first, second]) expect(bench.send(frame).verdict).toBe(REDIRECT)
  expect(bench.sendXdp(udp(client())).verdict).toBe(XDP.tx)
  bench.wait(4)
  for (const frame of [udp(client()), first, second]) expect(bench.send(frame).verdict).toBe(PASS)
  expect(bench.sendXdp(udp(client()))).toEqual({ verdict: XDP.pass, packet: udp(client()) })
  bench.serve([1], { family: 'ipv6' })
  expect(bench.send(tcp(client6, FLAG.syn)).verdict).toBe(PASS)
  bench.core.setInertAt(0n)
  expect(bench.send(tcp(client6, FLAG.syn)).verdict).toBe(REDIRECT)
})

test('the next daemon has the connection; the deadline stays until it says that all is in place', () => {
  left()
  bench.leave(-1)
  const next = new Core(NAME)
  try {
    next.setTimeouts({ ...next.timeouts, tcp: 902 }) // any other change of the settings
    expect(bench.send(tcp(client(), FLAG.ack)).verdict).toBe(PASS)
    next.setInertAt(0n)
    const { verdict, packet } = bench.send(tcp(client(), FLAG.ack))
    expect([verdict, packet.ends]).toEqual([REDIRECT, forwarded])
  } finally {
    next.close()
  }
})
