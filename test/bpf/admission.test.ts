import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Bench, type Family, NETWORK, PASS, REDIRECT, VIP } from './bench.ts'
import { changed, IP, longer, withExtensions, withOptions } from './crafted.ts'
import { address, type Ends, FLAG, ipsec, parse, reverse, sctp, tcp, udp, udpFragments } from './packets.ts'

const XDP = { pass: 2, tx: 3 } as const
const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const from = (source: string, family: Family = 'ipv4', port = 40_000): Ends => ({
  source: [source, port],
  destination: [NETWORK[family].vip, 80],
})
const ends = from(CLIENT.ipv4)
const ends6 = from(CLIENT.ipv6, 'ipv6')
const server: Ends = { source: ['192.168.1.11', 8080], destination: ends.source }

const connections = () => [...bench.core.connections()]

/** One for all, since each loads the program; what counts takes a new one. */
let bench: Bench
beforeAll(() => {
  bench = new Bench()
})
afterEach(() => {
  for (const connection of connections()) bench.core.forget(connection)
  bench.core.ownAddresses.follow([])
})
afterAll(() => bench.close())
function renew(): void {
  bench.close()
  bench = new Bench()
}

const OWN = { ipv4: '192.168.1.1', ipv6: '2001:db8:1::1' } as const

describe('no connection comes of a packet that its sender cannot have sent', () => {
  const SOURCES: readonly (readonly [Family, string])[] = [
    ['ipv4', '127.0.0.1'],
    ['ipv4', '127.9.9.9'],
    ['ipv4', '0.0.0.0'],
    ['ipv4', '224.0.0.18'],
    ['ipv4', '239.255.255.250'],
    ['ipv4', '255.255.255.255'],
    ['ipv4', VIP],
    ['ipv4', OWN.ipv4],
    ['ipv6', '::1'],
    ['ipv6', '::'],
    ['ipv6', 'ff02::1'],
    ['ipv6', '::ffff:10.0.9.1'],
    ['ipv6', NETWORK.ipv6.vip],
    ['ipv6', OWN.ipv6],
  ]
  test.each(SOURCES)('%s: from %s', (family, source) => {
    bench.core.ownAddresses.follow(Object.values(OWN).map(address))
    bench.serve([1], { family })
    expect([bench.run(tcp(from(source, family), FLAG.syn)), connections()]).toEqual([PASS, []])
    bench.serve([1], { family, protocol: 'UDP' })
    const [first] = udpFragments(from(source, family), 'x'.repeat(64), 24)
    expect([bench.run(udp(from(source, family))), bench.run(first), connections()]).toEqual([PASS, PASS, []])
  })

  test.each(['0.0.0.1', '126.255.255.255', '128.0.0.1', '223.255.255.254', '240.0.0.1'])(
    'from %s, which is next to one, it does',
    (source) => {
      bench.serve([1])
      expect(bench.run(tcp(from(source), FLAG.syn))).toBe(REDIRECT)
    },
  )

  test('what was an own address may be a client again', () => {
    bench.serve([1])
    bench.core.ownAddresses.follow([address(CLIENT.ipv4), address(OWN.ipv4)])
    expect(bench.run(tcp(ends, FLAG.syn))).toBe(PASS)
    bench.core.ownAddresses.follow([address(OWN.ipv4), address(OWN.ipv6)])
    expect(bench.run(tcp(ends, FLAG.syn))).toBe(REDIRECT)
  })
})

test.each([
  ['TCP', () => tcp(from(CLIENT.ipv4, 'ipv4', 20), FLAG.syn)],
  ['UDP', () => udp(from(CLIENT.ipv4, 'ipv4', 20))],
  ['SCTP', () => sctp(from(CLIENT.ipv4, 'ipv4', 20), 1)],
] as const)('%s from port 20, which is FTP’s for data, is not scheduled; from 19 it is', (protocol, frame) => {
  bench.serve([1], { protocol })
  expect([bench.run(frame()), connections()]).toEqual([PASS, []])
  const other = changed(frame(), (bytes) => bytes.writeUInt16BE(19, IP + 20))
  expect(bench.run(other)).toBe(REDIRECT)
})

/** What is wrong with a packet of a TCP (or UDP) service, in the words of its header. */
const UNSOUND: readonly (readonly [string, Uint8Array])[] = [
  ['a wrong checksum of the IP header', changed(tcp(ends, FLAG.syn), (b) => (b[IP + 10] = (b[IP + 10] ?? 0) ^ 1))],
  ['no checksum of the IP header', changed(tcp(ends, FLAG.syn), (b) => b.writeUInt16BE(0, IP + 10))],
  ['longer than its frame', changed(tcp(ends, FLAG.syn, 'data'), (b) => b.writeUInt16BE(45, IP + 2))],
  ['shorter than its IP header', changed(tcp(ends, FLAG.syn, 'data'), (b) => b.writeUInt16BE(19, IP + 2))],
  ['shorter than its TCP header', changed(tcp(ends, FLAG.syn, 'data'), (b) => b.writeUInt16BE(39, IP + 2))],
  ['IPv6, longer than its frame', changed(tcp(ends6, FLAG.syn), (b) => b.writeUInt16BE(21, IP + 4))],
  ['IPv6, shorter than its TCP header', changed(tcp(ends6, FLAG.syn, 'data'), (b) => b.writeUInt16BE(19, IP + 4))],
]
const family = (frame: Uint8Array): Family => ((frame[IP] ?? 0) >> 4 === 6 ? 'ipv6' : 'ipv4')

describe('a packet that the kernel would not take', () => {
  test.each(UNSOUND)('%s: opens nothing, and is not forwarded when its connection is known', (_name, frame) => {
    renew() // for the places that XDP's neighbours are at
    const whose = family(frame) === 'ipv4' ? ends : ends6
    bench.serve([1], { family: family(frame) })
    expect([bench.run(frame), connections()]).toEqual([PASS, []])
    bench.run(tcp(whose, FLAG.syn))
    bench.run(tcp(whose, FLAG.ack))
    const later = Uint8Array.from(frame)
    later[IP + (family(frame) === 'ipv4' ? 20 : 40) + 13] = FLAG.ack
    expect(bench.run(later)).toBe(PASS)
    expect(bench.sendXdp(later).verdict).toBe(XDP.pass)
    expect(bench.sendXdp(tcp(whose, FLAG.ack, 'data')).verdict).toBe(XDP.tx)
  })

  test.each([
    ['TCP: a header of 16 bytes', 'TCP', changed(tcp(ends, FLAG.syn), (b) => (b[IP + 32] = 4 << 4))],
    ['TCP: a header beyond the packet', 'TCP', changed(tcp(ends, FLAG.syn), (b) => (b[IP + 32] = 6 << 4))],
    ['UDP: shorter than its header', 'UDP', changed(udp(ends, 'abc'), (b) => b.writeUInt16BE(7, IP + 24))],
    ['UDP: longer than the packet', 'UDP', changed(udp(ends, 'abc'), (b) => b.writeUInt16BE(12, IP + 24))],
    ['UDP: no length at all', 'UDP', changed(udp(ends, 'abc'), (b) => b.writeUInt16BE(0, IP + 24))],
  ] as const)('%s: opens nothing', (_name, protocol, frame) => {
    bench.serve([1], { protocol })
    expect([bench.run(frame), connections()]).toEqual([PASS, []])
  })

  test('a first fragment is shorter than the datagram’s length, and fits', () => {
    bench.serve([1], { protocol: 'UDP' })
    const [first] = udpFragments(ends, 'x'.repeat(64), 24)
    expect(bench.run(first)).toBe(REDIRECT)
  })

  test('a frame that is longer than its packet has padding: it is forwarded, and not counted', () => {
    renew()
    bench.serve([1])
    expect(bench.run(longer(tcp(ends, FLAG.syn), 6))).toBe(REDIRECT)
    expect(bench.run(longer(tcp(server, FLAG.syn | FLAG.ack), 6))).toBe(REDIRECT)
    expect(bench.counters('service')).toMatchObject({ inPackets: 1n, inBytes: 40n, outPackets: 1n, outBytes: 40n })
    expect(bench.counters('dest')).toMatchObject({ inBytes: 40n, outBytes: 40n })
  })

  test('what is longer than 16 bits can say says 0, and is yet to be cut', () => {
    renew()
    bench.serve([1])
    bench.run(tcp(ends, FLAG.syn))
    const big = changed(tcp(ends, FLAG.ack, 'x'.repeat(900)), (b) => b.writeUInt16BE(0, IP + 2))
    expect([bench.run(big), bench.run(big, 100)]).toEqual([PASS, REDIRECT])
    expect(bench.counters('service').inBytes).toBe(40n + 940n)
  })
})

describe('IP options', () => {
  const LSRR = [131, 7, 8, 10, 0, 0, 5]
  const SSRR = [137, 7, 4, 10, 0, 0, 5]
  const RECORD_ROUTE = [7, 7, 4, 0, 0, 0, 0]
  test.each([
    ['a loose source route', LSRR],
    ['a strict one, behind others', [1, ...RECORD_ROUTE, 1, ...SSRR]],
    ['an option of no length', [7, 0, 0, 0]],
    ['an option longer than the header', [7, 9, 4, 0, 0, 0, 0, 0]],
    ['an option whose length is missing', [1, 1, 1, 7]],
  ])('%s: opens nothing, and is not forwarded either', (_name, options) => {
    bench.serve([1])
    expect([bench.run(withOptions(tcp(ends, FLAG.syn), options)), connections()]).toEqual([PASS, []])
    bench.run(tcp(ends, FLAG.syn))
    expect(bench.run(withOptions(tcp(ends, FLAG.ack), options))).toBe(PASS)
  })

  test.each([
    ['a record of the route', RECORD_ROUTE],
    ['a route behind the end of the options', [1, 0, ...LSRR]],
    ['as many as there can be', Array.from({ length: 40 }, () => 1)],
    ['a router alert', [148, 4, 0, 0]],
  ])('%s: is forwarded, with a right checksum', (_name, options) => {
    bench.serve([1])
    const frame = withOptions(tcp(ends, FLAG.syn), options)
    expect(bench.run(frame)).toBe(REDIRECT)
    expect(parse(bench.sendRaw(frame)).ends).toEqual(reverse(server))
    const wrong = changed(frame, (b) => (b[IP + 11] = (b[IP + 11] ?? 0) ^ 1))
    expect(bench.run(wrong)).toBe(PASS)
  })
})

describe('IPv6 extension headers', () => {
  const [HOPS, ROUTING, OPTIONS] = [0, 43, 60]
  const behind = (frame: Uint8Array, bytes: number) => Buffer.from(frame).subarray(IP + 40 + bytes)
  test.each([
    ['six', [HOPS, OPTIONS, ROUTING, OPTIONS, OPTIONS, OPTIONS].map((type) => [type, 0] as const), 48],
    ['one of 248 bytes', [[OPTIONS, 30] as const], 248],
    ['six of 248 bytes', Array.from({ length: 6 }, () => [OPTIONS, 30] as const), 1488],
  ])('%s: the packet behind them is translated', (_name, headers, bytes) => {
    bench.serve([1], { family: 'ipv6', mtu: 9000 })
    const frame = withExtensions(tcp(ends6, FLAG.syn, 'data'), headers)
    expect(bench.run(frame)).toBe(REDIRECT)
    const left = behind(bench.sendRaw(frame), bytes)
    // As the same packet without them.
    expect(left).toEqual(behind(bench.sendRaw(tcp(ends6, FLAG.syn, 'data')), 0))
    expect(left.readUInt16BE(2)).toBe(8080)
  })

  test('seven are too many: not ours', () => {
    bench.serve([1], { family: 'ipv6' })
    const seven = Array.from({ length: 7 }, () => [OPTIONS, 0] as const)
    expect([bench.run(withExtensions(tcp(ends6, FLAG.syn), seven)), connections()]).toEqual([PASS, []])
  })

  test('a route with hops left is the kernel’s to answer', () => {
    bench.serve([1], { family: 'ipv6' })
    const routed = withExtensions(tcp(ends6, FLAG.syn), [[ROUTING, 2]])
    routed[IP + 43] = 1
    expect([bench.run(routed), connections()]).toEqual([PASS, []])
  })
})

test('IPsec of a client that cannot be is not forwarded either: its key exchange was not', () => {
  bench.serve([1], { protocol: 'UDP', forwarding: { method: 'DR' }, port: 80 })
  expect(bench.run(ipsec('ESP', '127.0.0.1', VIP, 'x'))).toBe(PASS)
})
