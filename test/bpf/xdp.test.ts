import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, CLIENT_MAC, type Family, NETWORK, SERVER_MAC } from './bench.ts'
import { type Ends, FLAG, reverse, tcp, udp, udpFragments } from './packets.ts'

const XDP = { pass: 2, tx: 3 } as const

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const client = (family: Family = 'ipv4'): Ends => ({
  source: [family === 'ipv4' ? '10.0.9.1' : '2001:db8:9::1', 40000],
  destination: [NETWORK[family].vip, 80],
})
const inside = (family: Family): Ends => ({
  source: client(family).source,
  destination: [`${NETWORK[family].servers}11`, 8080],
})

const METHODS: readonly (readonly [name: string, Forwarding, port: number])[] = [
  ['NAT', { method: 'NAT' }, 8080],
  ['DR', { method: 'DR' }, 80],
  ['IP in IP', { method: 'TUN', tunnel: { type: 'ipip' } }, 80],
  ['GRE', { method: 'TUN', tunnel: { type: 'gre', checksum: false } }, 80],
  ['GUE', { method: 'TUN', tunnel: { type: 'gue', port: 6080, checksum: false } }, 80],
]

/** What differs where both are right: the MACs, the identification and so the checksum of an outer IPv4 header, GUE's port. */
function comparable(packet: Uint8Array, forwarding: Forwarding, v4: boolean): Uint8Array {
  const bytes = Uint8Array.from(packet.subarray(12))
  if (forwarding.method !== 'TUN') return bytes
  const ip = 2
  if (v4) bytes.fill(0, ip + 4, ip + 6).fill(0, ip + 10, ip + 12)
  if (forwarding.tunnel.type === 'gue') bytes.fill(0, ip + (v4 ? 20 : 40), ip + (v4 ? 22 : 42))
  return bytes
}

describe.each(['ipv4', 'ipv6'] as const)('XDP does what tc does, %s', (family) => {
  test.each(METHODS)('%s: towards the server', (_name, forwarding, port) => {
    bench.serve([1], { family, forwarding, port })
    bench.run(tcp(client(family), FLAG.syn))
    bench.run(tcp(client(family), FLAG.ack))
    for (const payload of ['', 'odd', 'x'.repeat(1300)]) {
      const frame = tcp(client(family), FLAG.ack, payload)
      const long = bench.sendXdp(frame)
      expect(long.verdict).toBe(XDP.tx)
      const usual = bench.sendRaw(frame)
      expect(comparable(long.packet, forwarding, family === 'ipv4')).toEqual(
        comparable(usual, forwarding, family === 'ipv4'),
      )
      expect(Buffer.from(long.packet).readUIntLE(0, 6)).toBe(Number(SERVER_MAC))
    }
    const { inPackets, inBytes } = bench.counters('service')
    const header = family === 'ipv4' ? 40 : 60
    expect([inPackets, inBytes]).toEqual([8n, BigInt(8 * header + 2 * (3 + 1300))])
  })

  test('NAT: back to the client', () => {
    bench.serve([1], { family })
    bench.send(tcp(client(family), FLAG.syn))
    bench.send(tcp(client(family), FLAG.ack))
    const frame = tcp(reverse(inside(family)), FLAG.ack, 'data')
    const { verdict, packet } = bench.sendXdp(frame)
    expect(verdict).toBe(XDP.tx)
    expect(packet.subarray(12)).toEqual(bench.sendRaw(frame).subarray(12))
    expect(Buffer.from(packet).readUIntLE(0, 6)).toBe(Number(CLIENT_MAC))
    expect(bench.counters('dest').outPackets).toBe(2n)
  })

  test.each([false, true])('NAT of UDP, without checksum: %s', (noChecksum) => {
    bench.serve([1], { family, protocol: 'UDP' })
    bench.send(udp(client(family)))
    const there = udp(client(family), 'abc', { noChecksum })
    expect(bench.sendXdp(there).packet.subarray(12)).toEqual(bench.sendRaw(there).subarray(12))
    const back = udp(reverse(inside(family)), 'abcd', { noChecksum })
    expect(bench.sendXdp(back).packet.subarray(12)).toEqual(bench.sendRaw(back).subarray(12))
  })
})

test('an idle time-out begins anew with each packet', () => {
  bench.serve([1])
  bench.send(tcp(client(), FLAG.syn))
  bench.send(tcp(client(), FLAG.ack))
  expect(bench.wait(890).sendXdp(tcp(client(), FLAG.ack)).verdict).toBe(XDP.tx)
  expect(bench.wait(890).sendXdp(tcp(client(), FLAG.ack)).verdict).toBe(XDP.tx)
  expect(bench.wait(901).sendXdp(tcp(client(), FLAG.ack)).verdict).toBe(XDP.pass)
})

describe('what is left to tc', () => {
  const open = (forwarding: Forwarding = { method: 'NAT' }) => {
    bench.serve([1], { forwarding })
    bench.send(tcp(client(), FLAG.syn))
    bench.send(tcp(client(), FLAG.ack))
  }
  const passes = (frame: Uint8Array, unresolved = false) => {
    const { verdict, packet } = bench.sendXdp(frame, unresolved)
    expect(verdict).toBe(XDP.pass)
    expect(packet).toEqual(frame)
  }

  test.each([
    ['SYN', tcp(client(), FLAG.syn)],
    ['FIN', tcp(client(), FLAG.fin | FLAG.ack)],
    ['RST', tcp(client(), FLAG.rst)],
    ['no hop left', tcp(client(), FLAG.ack, '', { ttl: 1 })],
    ['longer than the link', tcp(client(), FLAG.ack, 'x'.repeat(1500))],
    ['nobody’s', tcp({ ...client(), destination: [NETWORK.ipv4.vip, 81] }, FLAG.ack)],
    ['a fragment', udpFragments(client(), 'x'.repeat(64), 24)[0]],
  ])('%s', (_name, frame) => {
    open()
    passes(frame)
  })

  test('a packet that changes the state of its connection', () => {
    bench.serve([1])
    bench.send(tcp(client(), FLAG.syn))
    passes(tcp(client(), FLAG.ack)) // SYN_RECV
  })

  test('what comes after a FIN', () => {
    open()
    bench.send(tcp(client(), FLAG.fin | FLAG.ack))
    passes(tcp(reverse(inside('ipv4')), FLAG.ack, 'the rest'))
  })

  test('a frame for another MAC', () => {
    open()
    const frame = tcp(client(), FLAG.ack)
    frame[5] = 9
    passes(frame)
  })

  test('the first packet to a next hop, and one in a second', () => {
    open()
    passes(tcp(client(), FLAG.ack), true)
    passes(tcp(reverse(inside('ipv4')), FLAG.ack), true)
  })

  test('full NAT, and a tunnel with a checksum', () => {
    open({ method: 'FNAT' })
    passes(tcp(client(), FLAG.ack))
    bench.core.forget({
      protocol: 'TCP',
      client: [...bench.core.connections()][0]?.client ?? expect.unreachable(),
      virtual: [...bench.core.connections()][0]?.virtual ?? expect.unreachable(),
    })
    bench.serve([1], { forwarding: { method: 'TUN', tunnel: { type: 'gre', checksum: true } }, port: 80 })
    bench.run(tcp(client(), FLAG.syn))
    bench.run(tcp(client(), FLAG.ack))
    passes(tcp(client(), FLAG.ack))
  })

  test('a server that is gone', () => {
    open()
    bench.serve([])
    passes(tcp(client(), FLAG.ack))
  })
})
