import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressBytes } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, DROP, type Family, NAME, NETWORK, PASS, REDIRECT } from './bench.ts'
import {
  address,
  type Ends,
  FLAG,
  icmpError,
  parse,
  parseIp,
  reverse,
  sctp,
  tcp,
  udp,
  udpFragments,
  withIpOptions,
} from './packets.ts'

const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const FAMILIES = ['ipv4', 'ipv6'] as const
const PORT_UNREACHABLE = { ipv4: [3, 3, 0], ipv6: [1, 4, 0] } as const
const ETHERNET = 14
/** TCP's time-out for established connections, and UDP's, and one more. */
const TIMED_OUT = { TCP: 901, UDP: 301 } as const

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const fromClient = (family: Family, port = 40000): Ends => ({
  source: [CLIENT[family], port],
  destination: [NETWORK[family].vip, 80],
})
const toServer = (family: Family, host = 11): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [`${NETWORK[family].servers}${host}`, 8080],
})
const fromServer = (family: Family) => reverse(toServer(family))

/** A connection that is established, and then nothing. */
function established(family: Family, weights: readonly number[] = [1]): void {
  bench.serve(weights, { family })
  bench.pass(tcp(fromClient(family), FLAG.syn))
  bench.pass(tcp(fromServer(family), FLAG.syn | FLAG.ack))
  bench.pass(tcp(fromClient(family), FLAG.ack))
}
const ended = () => Number(bench.core.drops()['connection-ended'])

/** Throws when a checksum is wrong. */
function segment(frame: Uint8Array) {
  const { ends, flags, payload, ttl } = parse(frame)
  const l4 = Buffer.from(parseIp(frame.subarray(ETHERNET)).payload)
  return { ends, flags, bytes: payload.length, ttl, seq: l4.readUInt32BE(4), ack: l4.readUInt32BE(8) }
}

describe.each(FAMILIES)('%s: a server sends when the time of its connection by NAT is over', (family) => {
  const { local } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`
  const data = () => tcp(fromServer(family), FLAG.ack, 'late data', { sequence: 7_000_000, acknowledged: 4_000_000 })

  test.each(['before the sweep', 'after it'])('%s both sides of a TCP connection are reset, in turn', (when) => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    if (when === 'after it') bench.core.sweep()
    const [first, second, third] = [bench.pass(data()), bench.pass(data()), bench.pass(data())]
    expect([first.verdict, second.verdict]).toEqual([REDIRECT, REDIRECT])
    const toClient = {
      ends: reverse(fromClient(family)),
      flags: FLAG.rst | FLAG.ack,
      bytes: 0,
      ttl: 64,
      seq: 7_000_000,
      ack: 4_000_000,
    }
    expect(segment(first.frame)).toEqual(toClient)
    expect(segment(second.frame)).toEqual({
      ends: toServer(family),
      flags: FLAG.rst,
      bytes: 0,
      ttl: 64,
      seq: 4_000_000,
      ack: 0,
    })
    expect(segment(third.frame)).toEqual(toClient)
    expect(ended()).toBe(3)
    expect([...bench.core.connections()]).toEqual([])
  })

  test('what a device is to sum up it still is', () => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    const frame = Buffer.from(data())
    const at = ETHERNET + (family === 'ipv4' ? 20 : 40) + 16
    frame.writeUInt16BE(pseudoSum(fromServer(family), frame.length - at + 16), at)
    for (const ends of [reverse(fromClient(family)), toServer(family)]) {
      const out = Buffer.from(bench.pass(Uint8Array.from(frame)).frame)
      expect(out.readUInt16BE(at)).toBe(pseudoSum(ends, 20))
    }
  })

  test('a client that has opened its connection anew, at another server, is left alone', () => {
    established(family, [1, 1])
    const [first] = [...bench.core.connections()]
    const old = first?.destination.address ?? ''
    bench.wait(TIMED_OUT.TCP)
    bench.pass(tcp(fromClient(family), FLAG.syn))
    const late: Ends = { source: [old, 8080], destination: [CLIENT[family], 40000] }
    expect([...bench.core.connections()].map(({ destination }) => destination.address)).not.toEqual([old])
    for (let i = 0; i < 2; i++) {
      expect(segment(bench.pass(tcp(late, FLAG.ack, 'x')).frame)).toMatchObject({ ends: reverse(late) })
    }
  })

  test('its resets end here', () => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    expect(bench.pass(tcp(fromServer(family), FLAG.rst)).verdict).toBe(DROP)
    expect(ended()).toBe(1)
  })

  test('datagrams: the server is told that nobody takes them', () => {
    bench.serve([1], { family, protocol: 'UDP' })
    bench.pass(udp(fromClient(family)))
    bench.wait(TIMED_OUT.UDP)
    const { verdict, packet } = bench.send(udp(fromServer(family), 'late'))
    expect(verdict).toBe(REDIRECT)
    expect(packet).toMatchObject({
      ends: { source: [local, 0], destination: [server, 0] },
      icmp: PORT_UNREACHABLE[family],
    })
    const [head, later] = udpFragments(fromServer(family), 'x'.repeat(1000), 504)
    expect(bench.send(head).packet.icmp).toEqual(PORT_UNREACHABLE[family])
    expect(bench.pass(later).verdict).toBe(DROP)
    expect(ended()).toBe(3)
  })

  test('SCTP: the same', () => {
    bench.serve([1], { family, protocol: 'SCTP', port: 80 })
    const there: Ends = { source: [CLIENT[family], 40000], destination: [server, 80] }
    // INIT, INIT ACK, COOKIE ECHO, COOKIE ACK
    bench.pass(sctp(fromClient(family), 1, 'x'.repeat(16)))
    bench.pass(sctp(reverse(there), 2, 'x'.repeat(16)))
    bench.pass(sctp(fromClient(family), 10))
    bench.pass(sctp(reverse(there), 11))
    bench.wait(20_000)
    expect(bench.send(sctp(reverse(there), 0, 'late')).packet.icmp).toEqual(PORT_UNREACHABLE[family])
  })

  test('ICMP errors about what it was sent end here, too', () => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    const [type, code] = family === 'ipv4' ? [3, 1] : [1, 0]
    const error = icmpError(type ?? 0, code ?? 0, server, CLIENT[family], tcp(toServer(family), FLAG.ack))
    expect(bench.pass(error).verdict).toBe(DROP)
    bench.core.sweep()
    expect(bench.pass(error).verdict).toBe(DROP)
    expect(ended()).toBe(2)
  })

  test('a day later it is forgotten', () => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    bench.core.sweep()
    bench.wait(86_400)
    expect(bench.pass(data())).toEqual({ verdict: PASS, frame: data() })
  })
})

describe.each(FAMILIES)('%s: what is none of ours goes on', (family) => {
  test('a connection that both sides have ended', () => {
    established(family)
    bench.pass(tcp(fromClient(family), FLAG.fin | FLAG.ack))
    bench.pass(tcp(fromServer(family), FLAG.fin | FLAG.ack))
    bench.wait(TIMED_OUT.TCP)
    const late = tcp(fromServer(family), FLAG.fin | FLAG.ack)
    expect(bench.pass(late)).toEqual({ verdict: PASS, frame: late })
  })

  test('what a server sends by itself, and answers to who has come to it past the virtual server', () => {
    established(family)
    bench.wait(TIMED_OUT.TCP)
    const other = tcp({ ...fromServer(family), destination: [CLIENT[family], 41000] }, FLAG.ack, 'x')
    expect(bench.pass(other)).toEqual({ verdict: PASS, frame: other })
    expect(ended()).toBe(0)
  })

  test.each(['the client', 'the server'])(
    'a new connection past the virtual server, with the same ports, from %s on',
    (who) => {
      established(family)
      bench.wait(TIMED_OUT.TCP)
      bench.core.sweep()
      const opening =
        who === 'the client' ? tcp(toServer(family), FLAG.syn) : tcp(fromServer(family), FLAG.syn | FLAG.ack)
      const data = tcp(fromServer(family), FLAG.ack, 'x')
      for (const frame of [opening, data]) expect(bench.pass(frame)).toEqual({ verdict: PASS, frame })
      expect(ended()).toBe(0)
    },
  )

  test.each(['DR', 'TUN'] as const)('%s: servers answer past the director', (method) => {
    const forwarding = method === 'DR' ? { method } : { method, tunnel: { type: 'ipip' } as const }
    bench.serve([1], { family, forwarding, port: 80 })
    bench.pass(tcp(fromClient(family), FLAG.syn))
    bench.pass(tcp(fromClient(family), FLAG.ack))
    bench.wait(TIMED_OUT.TCP)
    const frame = tcp(reverse({ ...toServer(family), destination: [`${NETWORK[family].servers}11`, 80] }), FLAG.ack)
    expect(bench.pass(frame)).toEqual({ verdict: PASS, frame })
  })
})

describe.each(FAMILIES)('%s: nat_icmp_send', (family) => {
  const { local } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`
  const told = { ends: { source: [local, 0], destination: [server, 0] }, icmp: PORT_UNREACHABLE[family] }
  const to = (port: number): Ends => ({ ...fromServer(family), destination: [CLIENT[family], port] })
  const passes = (frame: Uint8Array) => expect(bench.pass(frame)).toEqual({ verdict: PASS, frame })

  test('nothing of a real server by NAT leaves that is no connection’s, and it is told', () => {
    bench.serve([1], { family })
    const late = tcp(to(41_000), FLAG.ack, 'of another director’s connection')
    passes(late)
    bench.setSwitches({ natIcmpSend: true })
    expect(bench.send(late)).toMatchObject({ verdict: REDIRECT, packet: told })
    expect(bench.send(tcp(to(41_001), FLAG.syn)).packet).toMatchObject(told)
    expect(bench.pass(tcp(to(41_000), FLAG.rst)).verdict).toBe(DROP)
    expect(ended()).toBe(3)
    // Its connections go on, and both sides are reset when their time is over.
    bench.pass(tcp(fromClient(family), FLAG.syn))
    expect(segment(bench.pass(tcp(fromServer(family), FLAG.syn | FLAG.ack)).frame).ends).toEqual(
      reverse(fromClient(family)),
    )
    bench.pass(tcp(fromClient(family), FLAG.ack))
    bench.wait(TIMED_OUT.TCP)
    expect(segment(bench.pass(tcp(fromServer(family), FLAG.ack)).frame).flags).toBe(FLAG.rst | FLAG.ack)
  })

  test('other ports, protocols and hosts are none of it, nor what is sent to the director itself', () => {
    bench.serve([1], { family })
    bench.setSwitches({ natIcmpSend: true })
    bench.core.ownAddresses.follow([address(local)])
    passes(tcp({ ...to(41_000), source: [server, 8081] }, FLAG.ack))
    passes(tcp({ ...to(41_000), source: [`${NETWORK[family].servers}12`, 8080] }, FLAG.ack))
    passes(udp(to(41_000)))
    passes(tcp({ ...to(41_000), destination: [local, 41_000] }, FLAG.syn | FLAG.ack))
    bench.core.ownAddresses.follow([])
  })

  test('of a service by mark every protocol is; a server that is removed, and one by DR, are none', () => {
    const serve = (forwarding: Forwarding, weight = 1) =>
      bench.lay(
        [
          {
            endpoint: { address: address(server), port: 8080 },
            forwarding,
            weight,
            fullWeight: 1,
            thresholds: { upper: 0, lower: 0 },
          },
        ],
        { scheduler: 'rr', family, id: { by: 'fwmark', mark: 7, family: family === 'ipv4' ? 'inet' : 'inet6' } },
      )
    bench.setSwitches({ natIcmpSend: true })
    serve({ method: 'NAT' })
    for (const frame of [tcp(to(1), FLAG.ack), udp(to(1)), sctp(to(1), 0, 'x')]) {
      expect(bench.send(frame).packet).toMatchObject(told)
    }
    serve({ method: 'DR' })
    passes(udp(to(1)))
    serve({ method: 'NAT' })
    expect(bench.send(udp(to(1))).packet).toMatchObject(told)
    bench.serve([], { family })
    passes(udp(to(1)))
  })

  test('another daemon goes on with it, and turns it off', () => {
    bench.serve([1], { family })
    bench.setSwitches({ natIcmpSend: true })
    const next = new Core(NAME)
    try {
      next.apply({ services: [] }, new Map())
      passes(tcp(to(41_000), FLAG.ack))
      bench.serve([1], { family })
    } finally {
      next.close()
    }
    bench.setSwitches({ natIcmpSend: false })
    passes(tcp(to(41_000), FLAG.ack))
  })
})

test('with IP options nobody is told', () => {
  established('ipv4')
  bench.wait(TIMED_OUT.TCP)
  expect(bench.pass(withIpOptions(tcp(fromServer('ipv4'), FLAG.ack, 'x'), [1, 1, 1, 0])).verdict).toBe(DROP)
})

test('a connection that was never established is not remembered: floods would have others forgotten', () => {
  bench.serve([1])
  bench.pass(tcp(fromClient('ipv4'), FLAG.syn))
  bench.wait(TIMED_OUT.TCP)
  bench.core.sweep()
  const late = tcp(fromServer('ipv4'), FLAG.ack)
  expect(bench.pass(late)).toEqual({ verdict: PASS, frame: late })
})

/** What stands in place of a checksum that a device is to make: the sum of the pseudo-header (RFC 9293 §3.1). */
function pseudoSum({ source, destination }: Ends, length: number): number {
  const [from, to] = [source, destination].map(([host]) => addressBytes(address(host)))
  return ~checksum(from ?? new Uint8Array(), to ?? new Uint8Array(), Uint8Array.of(0, 6, 0, length)) & 0xffff
}
