import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceId } from '../../src/model/service.ts'
import type { OtherDirector } from '../../src/model/other-director.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import { Bench, type Family, NAME, NETWORK, PASS, REDIRECT } from './bench.ts'
import { changed, IP } from './crafted.ts'
import { address, type Ends, FLAG, icmpError, ipsec, tcp, udp, udpFragments } from './packets.ts'

/** What another director that is a real server sends: what it has balanced, and what programs there ask. */
const DIRECTOR = Uint8Array.of(0x02, 0, 0, 0, 1, 0x47)
/** The last six bits are the same. */
const LIKE_IT = Uint8Array.of(0x02, 0, 0, 0, 1, 0x07)
const ROUTER = Uint8Array.of(0x02, 0, 0, 0, 1, 0x01)
const XDP = { pass: 2, tx: 3 } as const
const DR = { forwarding: { method: 'DR' }, port: 80 } as const

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const know = (...shared: readonly Omit<OtherDirector, 'mac'>[]) =>
  bench.core.setOtherDirectors(shared.map((each) => ({ ...each, mac: DIRECTOR })))
const shared = (family: Family) => ({ family: family === 'ipv4' ? 4 : 6, vip: address(NETWORK[family].vip) }) as const
const from = (mac: Uint8Array, frame: Uint8Array, ttl: number): Uint8Array =>
  changed(frame, (bytes) => {
    bytes.set(mac, 6)
    bytes[IP + ((bytes[IP] ?? 0) >> 4 === 4 ? 8 : 7)] = ttl
  })
const balanced = (frame: Uint8Array) => from(DIRECTOR, frame, 63)
const ends = (family: Family = 'ipv4', port = 40_000): Ends => ({
  source: [family === 'ipv4' ? '10.0.9.1' : '2001:db8:9::1', port],
  destination: [NETWORK[family].vip, 80],
})
const connections = () => [...bench.core.connections()].length

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  test('what another director has balanced is left to this host, and what anybody else sends is balanced', () => {
    bench.serve([1], { ...DR, family })
    know(shared(family))
    const syn = tcp(ends(family), FLAG.syn)
    expect([bench.run(balanced(syn)), connections()]).toEqual([PASS, 0])
    expect(bench.run(from(ROUTER, syn, 63))).toBe(REDIRECT)
    expect(bench.run(from(LIKE_IT, tcp(ends(family, 40_001), FLAG.syn), 63))).toBe(REDIRECT)
    expect(connections()).toBe(2)
  })

  test.each([64, 128, 255])('what a program on the other director asks, with TTL %s, is balanced', (ttl) => {
    bench.serve([1], { ...DR, family })
    know(shared(family))
    expect(bench.run(from(DIRECTOR, tcp(ends(family), FLAG.syn), ttl))).toBe(REDIRECT)
  })

  test('a connection of before, when this director balanced, takes no packet of the other one', () => {
    bench.serve([1], { ...DR, family, protocol: 'UDP' })
    know(shared(family))
    const datagram = udp(ends(family))
    expect(bench.run(from(ROUTER, datagram, 63))).toBe(REDIRECT)
    expect(bench.run(balanced(datagram))).toBe(PASS)
    expect([bench.sendXdp(balanced(datagram)).verdict, bench.sendXdp(from(ROUTER, datagram, 63)).verdict]).toEqual([
      XDP.pass,
      XDP.tx,
    ])
    expect(bench.counters('service').inPackets).toBe(2n)
  })

  test('fragments, in any order, are put together by this host and by nobody before it', () => {
    bench.serve([1], { ...DR, family, protocol: 'UDP' })
    know(shared(family))
    const fragments = udpFragments(ends(family), 'x'.repeat(100), 40).map(balanced)
    const verdicts = [...fragments.toReversed(), ...fragments].map((each) => bench.run(each))
    expect(verdicts.every((verdict) => verdict === PASS)).toBe(true)
  })

  test('an error about an answer that the other director has sent on is for the server here', () => {
    bench.serve([1], { ...DR, family })
    know(shared(family))
    bench.run(from(ROUTER, tcp(ends(family), FLAG.syn), 63))
    const { source, destination } = ends(family)
    const answer = tcp({ source: destination, destination: source }, FLAG.syn | FLAG.ack)
    const [type, code] = family === 'ipv4' ? [3, 1] : [1, 3] // host or address unreachable
    const error = icmpError(type, code, source[0], destination[0], answer, 20)
    expect([bench.run(from(ROUTER, error, 63)), bench.run(balanced(error))]).toEqual([REDIRECT, PASS])
  })

  test('a virtual address that is not shared with it is balanced, whoever sends', () => {
    bench.serve([1], { ...DR, family })
    know({ ...shared(family), vip: address(family === 'ipv4' ? '10.0.0.101' : '2001:db8::101') })
    expect(bench.run(balanced(tcp(ends(family), FLAG.syn)))).toBe(REDIRECT)
  })
})

test('one-packet scheduling and IPsec as well', () => {
  const servers = [11, 12].map((host) => ({
    endpoint: { address: address(`192.168.1.${host}`), port: 80 },
    forwarding: { method: 'DR' as const },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  bench.lay(servers, { scheduler: 'rr', protocol: 'UDP', onePacket: true, port: 0 })
  know(shared('ipv4'))
  const [[source], [vip]] = [ends().source, ends().destination]
  for (const frame of [udp(ends()), ipsec('ESP', source, vip, 'x')]) expect(bench.run(balanced(frame))).toBe(PASS)
  expect(bench.run(from(ROUTER, udp(ends()), 63))).toBe(REDIRECT)
})

test('of a service by mark nobody knows the addresses: it is shared by all of the family', () => {
  const mark: ServiceId = { by: 'fwmark', mark: 10, family: 'inet' }
  const servers = [
    {
      endpoint: { address: address('192.168.1.11'), port: 0 },
      forwarding: { method: 'DR' as const },
      weight: 1,
      fullWeight: 1,
      thresholds: { upper: 0, lower: 0 },
    },
  ]
  bench.lay(servers, { scheduler: 'rr', id: mark })
  know({ family: 6, vip: undefined })
  expect(bench.send(balanced(tcp(ends(), FLAG.syn)), 10).verdict).toBe(REDIRECT)
  know({ family: 4, vip: undefined })
  expect(bench.send(balanced(tcp(ends('ipv4', 40_001), FLAG.syn)), 10).verdict).toBe(PASS)
})

test('directors that are not there any more are forgotten, and a core that is taken over remembers the others', () => {
  bench.serve([1], DR)
  know({ ...shared('ipv4'), vip: address('10.0.0.101') }, shared('ipv4'))
  bench.core.setTimeouts({ tcp: 100, tcpFin: 10, udp: 20 })
  const next = new Core(NAME)
  try {
    expect([next.adopted, bench.run(balanced(tcp(ends(), FLAG.syn)))]).toEqual([true, PASS])
    next.setOtherDirectors([])
    expect(bench.run(balanced(tcp(ends(), FLAG.syn)))).toBe(REDIRECT)
  } finally {
    next.close()
  }
})
