import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, DROP, type Family, NETWORK, PASS, REDIRECT } from './bench.ts'
import {
  address,
  type Ends,
  FLAG,
  icmpError,
  ipsec,
  parse,
  reverse,
  sctp,
  tcp,
  udp,
  udpFragments,
  withExtension,
  withIpOptions,
  withTtl,
} from './packets.ts'

const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const ROUTER = { ipv4: '10.0.5.1', ipv6: '2001:db8:5::1' } as const
const FAMILIES = ['ipv4', 'ipv6'] as const
const UNREACHABLE = { ipv4: [3, 1], ipv6: [1, 0] } as const
const SOURCE_QUENCH = 4
/** One that later fragments have too (router alert), and one that they have not (record route). */
const ROUTER_ALERT = [148, 4, 0, 0]
const RECORD_ROUTE = [7, 7, 4, 0, 0, 0, 0]
const NOP = 1

const fromClient = (family: Family, port = 40000): Ends => ({
  source: [CLIENT[family], port],
  destination: [NETWORK[family].vip, 80],
})
const toServer = (family: Family): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [`${NETWORK[family].servers}11`, 8080],
})
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** One for a group of tests, each of which has a service of its own: to load a program takes longer than a test. */
let bench: Bench
const aBench = () => {
  beforeAll(() => {
    bench = new Bench()
  })
  afterAll(() => bench.close())
}
/** One for each test. */
const aBenchEach = () => {
  beforeEach(() => {
    bench = new Bench()
  })
  afterEach(() => bench.close())
}

/** What headers behind the fixed one a quoted packet may have, and how long they are. */
const QUOTED: readonly (readonly [Family, string, (frame: Uint8Array) => Uint8Array, extra: number])[] = [
  ['ipv4', 'no options', (frame) => frame, 0],
  ['ipv4', 'options', (frame) => withIpOptions(frame, [NOP, NOP, NOP, 0]), 4],
  ['ipv4', 'as many options as there can be', (frame) => withIpOptions(frame, Array<number>(40).fill(NOP)), 40],
  ['ipv6', 'no extension header', (frame) => frame, 0],
  ['ipv6', 'a destination option', (frame) => withExtension(frame, 60, [0, 0, 1, 4, 0, 0, 0, 0]), 8],
  [
    'ipv6',
    'a routing header and a fragment header',
    (frame) => withExtension(withExtension(frame, 44, [0, 0, 0, 1, 0, 0, 0, 7]), 43, [0, 0, 0, 0, 0, 0, 0, 0]),
    16,
  ],
]

describe.each(QUOTED)('%s, a quoted header with %s', (family, _name, dress, extra) => {
  aBench()
  const fixed = family === 'ipv4' ? 20 : 40
  const { vip } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`

  test.each([
    ['TCP', 4],
    ['TCP', 8],
    ['TCP', 20],
    ['UDP', 4],
    ['UDP', 8],
    ['SCTP', 8],
  ] as const)('%s and %i bytes of it: both sides see their own addresses', (protocol, bytes) => {
    bench.serve([1], { family, protocol, ...(protocol === 'SCTP' ? { port: 80 } : {}) })
    const port = protocol === 'SCTP' ? 80 : 8080
    const there: Ends = { ...toServer(family), destination: [server, port] }
    const open = (ends: Ends) =>
      protocol === 'TCP' ? tcp(ends, FLAG.syn) : protocol === 'UDP' ? udp(ends, 'abc') : sctp(ends, 1, 'x'.repeat(16))
    bench.send(open(fromClient(family)))
    // TCP's checksum is not brought up to date in a quote: nobody can check it there.
    const compared = (packet: Uint8Array) =>
      hex(packet.subarray(0, fixed + extra + (protocol === 'TCP' ? Math.min(bytes, 16) : bytes)))
    const seen = (frame: Uint8Array) => compared(frame.subarray(14))

    const [type, code] = UNREACHABLE[family]
    const quote = extra + bytes
    const fromServer = bench.send(icmpError(type, code, server, CLIENT[family], dress(open(there)), quote))
    expect(fromServer).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: { source: [vip, 0], destination: [CLIENT[family], 0] }, ttl: 63 },
    })
    expect(fromServer.packet.payload.length).toBe(fixed + quote)
    expect(compared(fromServer.packet.payload)).toBe(seen(dress(open(fromClient(family)))))

    const answered = dress(open(reverse(fromClient(family))))
    const toItsServer = bench.send(icmpError(type, code, ROUTER[family], vip, answered, quote))
    expect(toItsServer).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: { source: [ROUTER[family], 0], destination: [server, 0] }, ttl: 63 },
    })
    expect(compared(toItsServer.packet.payload)).toBe(seen(dress(open(reverse(there)))))
  })
})

const METHODS: readonly (readonly [string, Forwarding])[] = [
  ['DR', { method: 'DR' }],
  ['TUN', { method: 'TUN', tunnel: { type: 'ipip' } }],
]

describe.each(FAMILIES.flatMap((family) => METHODS.map(([name, forwarding]) => ({ family, name, forwarding }))))(
  'two directors that are each other’s servers, $family $name: each packet loses a hop at each of them, and ends',
  ({ family, forwarding }) => {
    aBench()
    const header = family === 'ipv4' ? 20 : 40
    const { vip } = NETWORK[family]
    const client = CLIENT[family]

    /** What is on the wire when a packet goes round: the TTLs, and what ends it. The server takes off a tunnel's header. */
    function round(frame: Uint8Array): { readonly ttls: readonly number[]; readonly end: Uint8Array | 'dropped' } {
      const ttls: number[] = []
      for (let at = frame; ttls.length < 300;) {
        const { verdict, frame: out } = bench.pass(at)
        if (verdict !== REDIRECT) return { ttls, end: 'dropped' }
        const inner =
          forwarding.method === 'TUN' ? Uint8Array.from([...at.subarray(0, 14), ...out.subarray(14 + header)]) : out
        const sent = out[14 + (family === 'ipv4' ? 8 : 7)] ?? 0
        if (inner.length !== at.length) return { ttls, end: out } // an error of the director's own, to the client
        ttls.push(sent)
        at = inner
      }
      throw new Error(`goes on: TTLs ${ttls.slice(-5).join(', ')}`)
    }

    const down = Array.from({ length: 63 }, (_, i) => 63 - i)
    const timeExceeded = family === 'ipv4' ? [11, 0, 0] : [3, 0, 0]
    const ends = fromClient(family)
    const exchange: Ends = { source: [client, 500], destination: [vip, 500] }
    const fragments = udpFragments(ends, 'x'.repeat(1000), 504)
    const open = { TCP: tcp(ends, FLAG.syn), UDP: udp(ends, 'abc'), SCTP: sctp(ends, 1, 'x'.repeat(16)) } as const

    test.each(['TCP', 'UDP', 'SCTP'] as const)('%s, with the error that tells the client', (protocol) => {
      bench.serve([1], { family, protocol, forwarding, port: 80 })
      const { ttls, end } = round(open[protocol])
      expect(ttls).toEqual(down)
      expect(end === 'dropped' ? end : parse(end)).toMatchObject({
        ends: { source: [vip, 0], destination: [client, 0] },
        icmp: timeExceeded,
      })
    })

    test.each(['TCP', 'UDP', 'SCTP'] as const)('an ICMP error about %s, without another error', (protocol) => {
      bench.serve([1], { family, protocol, forwarding, port: 80 })
      bench.pass(open[protocol])
      const answer =
        protocol === 'TCP'
          ? tcp(reverse(ends), FLAG.ack)
          : protocol === 'UDP'
            ? udp(reverse(ends))
            : sctp(reverse(ends), 0)
      const [type, code] = UNREACHABLE[family]
      const before = bench.core.drops().ttl
      expect(round(icmpError(type, code, ROUTER[family], vip, answer))).toEqual({ ttls: down, end: 'dropped' })
      expect(bench.core.drops().ttl).toBe(before + 1n)
    })

    test('a first fragment, and a later one without an error', () => {
      bench.serve([1], { family, protocol: 'UDP', forwarding, port: 80 })
      const [first, later] = fragments.map(round)
      expect(first?.ttls).toEqual(down)
      expect(first?.end).not.toBe('dropped')
      expect(later).toEqual({ ttls: down, end: 'dropped' })
    })

    test('ESP', () => {
      const server = {
        endpoint: { address: address(`${NETWORK[family].servers}11`), port: 0 },
        forwarding,
        weight: 1,
        fullWeight: 1,
        thresholds: { upper: 0, lower: 0 },
      }
      const persistence = { timeoutSeconds: 300, clientPrefix: family === 'ipv4' ? 32 : 128 }
      bench.lay([server], { scheduler: 'rr', family, protocol: 'UDP', port: 0, persistence })
      bench.pass(udp(exchange))
      expect(round(ipsec('ESP', client, vip, 'secret')).ttls).toEqual(down)
    })
  },
)

describe.each(FAMILIES)('errors of the director’s own, %s', (family) => {
  aBenchEach()
  const { vip, local } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`
  const timeExceeded = family === 'ipv4' ? [11, 0, 0] : [3, 0, 0]
  const header = family === 'ipv4' ? 20 : 40

  test('to a server they come from the director, not from the client', () => {
    bench.serve([1], { family }).send(tcp(fromClient(family), FLAG.syn))
    const answer = tcp(reverse(toServer(family)), FLAG.syn | FLAG.ack, '', { ttl: 1 })
    const { verdict, packet } = bench.send(answer)
    expect(verdict).toBe(REDIRECT)
    expect(packet).toMatchObject({ ends: { source: [local, 0], destination: [server, 0] }, icmp: timeExceeded })
    expect(hex(packet.payload)).toBe(hex(answer.subarray(14)))
  })

  test('to a client they come from the virtual IP', () => {
    bench.serve([1], { family })
    const { packet } = bench.send(tcp(fromClient(family), FLAG.syn, '', { ttl: 1 }))
    expect(packet).toMatchObject({ ends: { source: [vip, 0], destination: [CLIENT[family], 0] }, icmp: timeExceeded })
  })

  test('they quote the ports, whatever comes before them', () => {
    bench.serve([1], { family, protocol: 'UDP' })
    const long = udp(fromClient(family), 'x'.repeat(100), { ttl: 1 })
    const dressed =
      family === 'ipv4'
        ? withIpOptions(long, Array<number>(40).fill(NOP))
        : withExtension(long, 60, [0, 4, 1, 36, ...Array<number>(36).fill(0)])
    const { packet } = bench.send(dressed)
    expect(packet.icmp).toEqual(timeExceeded)
    expect(hex(packet.payload)).toBe(hex(dressed.subarray(14, 14 + header + 40 + 8)))
  })
})

describe('as many errors as the kernel would make', () => {
  aBenchEach()
  const LIMITS = {
    ratelimit: 1000,
    ratemask: 0x1818,
    ratelimit6: 1000,
    ratemask6: 0xffff_fffb,
    msgsPerSecond: 1000,
    msgsBurst: 50,
  }
  /** How many of so many SYNs to a service without a server are answered. */
  function answered(count: number, frame: (i: number) => Uint8Array): number {
    const verdicts = Array.from({ length: count }, (_, i) => bench.pass(frame(i)).verdict)
    return verdicts.filter((verdict) => verdict === REDIRECT).length
  }
  const syn = (family: Family) => (i: number) => tcp(fromClient(family, 1024 + i), FLAG.syn)

  test('IPv4: six at once to one client, then one a second', () => {
    bench.serve([]).core.setErrorRate({ ...LIMITS, ratelimit: 60_000 })
    expect(answered(300, syn('ipv4'))).toBe(6)
    expect(bench.core.drops()).toMatchObject({ 'error-rate': 294n, 'no-destination': 300n })
    bench.wait(61)
    expect(answered(300, syn('ipv4'))).toBe(1)
    bench.wait(361)
    expect(answered(300, syn('ipv4'))).toBe(6)
    // Others have not been told yet.
    expect(answered(10, (i) => tcp({ ...fromClient('ipv4', 5), source: [`10.0.8.${i}`, 5] }, FLAG.syn))).toBe(10)
  })

  test('IPv6: four times as many, as for clients on a link', () => {
    bench.serve([], { family: 'ipv6' }).core.setErrorRate({ ...LIMITS, ratelimit6: 240_000 })
    expect(answered(100, syn('ipv6'))).toBe(6)
    bench.wait(61)
    expect(answered(100, syn('ipv6'))).toBe(1)
  })

  test('to all together so many at once', () => {
    bench.serve([]).core.setErrorRate({ ...LIMITS, msgsPerSecond: 1, msgsBurst: 20 })
    const from = (i: number) => tcp({ ...fromClient('ipv4'), source: [`10.0.${i >> 4}.${i & 15}`, 5] }, FLAG.syn)
    // Seconds may pass meanwhile on a busy machine.
    expect(answered(200, from)).toBeGreaterThanOrEqual(20)
    expect(answered(200, from)).toBeLessThan(40)
  })

  test('what is too long is told each time: path MTU discovery depends on it', () => {
    bench.serve([1], { mtu: 600 }).core.setErrorRate(LIMITS)
    bench.send(tcp(fromClient('ipv4'), FLAG.syn))
    expect(answered(60, () => tcp(fromClient('ipv4'), FLAG.ack, 'x'.repeat(600), { dontFragment: true }))).toBe(60)
  })

  test('types that the mask does not name, and a limit of 0, have none', () => {
    bench.serve([]).core.setErrorRate({ ...LIMITS, ratemask: 0x1810 })
    expect(answered(60, syn('ipv4'))).toBe(60)
    bench.core.setErrorRate({ ...LIMITS, ratelimit: 0, msgsBurst: 1000 })
    expect(answered(60, syn('ipv4'))).toBe(60)
  })
})

describe('too long for the way to the server, not marked don’t-fragment, with IP options', () => {
  aBenchEach()
  const CUT = 0x8000
  const MORE = 0x2000
  const options = [...ROUTER_ALERT, ...RECORD_ROUTE, NOP]
  const later = [...ROUTER_ALERT, ...Array<number>(8).fill(NOP)]

  test('goes in fragments: the first with all options, those behind it with the ones that are copied (RFC 791)', () => {
    bench.serve([1], { protocol: 'UDP', mtu: 576 })
    const whole = withIpOptions(udp(fromClient('ipv4'), 'x'.repeat(1200)), options)
    // A marked copy comes in again, and behind it what is left. That is cut once more.
    const parts: ReturnType<Bench['pass']>[] = []
    let left = whole
    for (let i = 0; i < 2; i++) {
      const copy = Buffer.from(left)
      copy.writeUInt16BE(copy.readUInt16BE(20) | CUT, 20)
      left = bench.pass(left).frame
      parts.push(bench.pass(withTtl(Uint8Array.from(copy), 64)))
    }
    parts.push(bench.pass(left))
    expect(parts.map(({ verdict }) => verdict)).toEqual([REDIRECT, REDIRECT, REDIRECT])
    const headers = parts.map(({ frame }) => ({
      options: [...frame.subarray(34, 46)],
      destination: frame.subarray(30, 34).join('.'),
      length: frame.length - 14,
      place: Buffer.from(frame).readUInt16BE(20),
      ends: parse(frame).ttl,
    }))
    const server = { destination: '192.168.1.11', ends: 63 }
    expect(headers).toEqual([
      { ...server, options, length: 576, place: MORE },
      { ...server, options: later, length: 576, place: MORE | (544 / 8) },
      { ...server, options: later, length: 32 + 1208 - 2 * 544, place: (2 * 544) / 8 },
    ])
    const data = Buffer.concat(parts.map(({ frame }) => Buffer.from(frame.subarray(46))))
    expect(data.subarray(8).toString()).toBe('x'.repeat(1200))
  })

  test('with don’t-fragment the client is told', () => {
    bench.serve([1], { protocol: 'UDP', mtu: 576 })
    const whole = withIpOptions(udp(fromClient('ipv4'), 'x'.repeat(1200), { dontFragment: true }), options)
    expect(bench.send(whole).packet.icmp).toEqual([3, 4, 576])
    expect(bench.core.drops()['too-big']).toBe(1n)
  })
})

describe('ICMP errors of other kinds', () => {
  aBenchEach()

  test('a source quench is translated, as the other errors are', () => {
    bench.serve([1]).send(tcp(fromClient('ipv4'), FLAG.syn))
    const quench = icmpError(SOURCE_QUENCH, 0, '192.168.1.11', CLIENT.ipv4, tcp(toServer('ipv4'), FLAG.syn))
    expect(bench.send(quench)).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: { source: [NETWORK.ipv4.vip, 0] }, icmp: [SOURCE_QUENCH, 0, 1400] },
    })
  })

  test.each([
    ['fewer bytes than the ports', 3],
    ['nothing behind the header', 0],
  ] as const)('a quote with %s passes', (_name, quote) => {
    bench.serve([1]).send(tcp(fromClient('ipv4'), FLAG.syn))
    const frame = icmpError(3, 1, '192.168.1.11', CLIENT.ipv4, tcp(toServer('ipv4'), FLAG.syn), quote)
    // What a link puts behind the packet is no part of the quote.
    const padded = Uint8Array.from([...frame, 0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 0])
    expect(bench.pass(padded)).toEqual({ verdict: PASS, frame: padded })
  })

  test('an ICMP error about a server that is this director itself is not touched', () => {
    bench.serve([1], { port: 80, local: true }).send(tcp(fromClient('ipv4'), FLAG.syn))
    const error = icmpError(3, 1, ROUTER.ipv4, NETWORK.ipv4.vip, tcp(reverse(fromClient('ipv4')), FLAG.ack))
    expect(bench.pass(error)).toEqual({ verdict: PASS, frame: error })
  })

  test('the last hop of an ICMP error to a server, and to a client, is silent', () => {
    bench.serve([1]).send(tcp(fromClient('ipv4'), FLAG.syn))
    const fromServer = icmpError(3, 1, '192.168.1.11', CLIENT.ipv4, tcp(toServer('ipv4'), FLAG.syn))
    const fromRouter = icmpError(3, 1, ROUTER.ipv4, NETWORK.ipv4.vip, tcp(reverse(fromClient('ipv4')), FLAG.ack))
    for (const error of [fromServer, fromRouter]) expect(bench.pass(withTtl(error, 1)).verdict).toBe(DROP)
    expect(bench.core.drops().ttl).toBe(2n)
  })
})
