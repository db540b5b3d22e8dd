import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressBytes } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { Bench, type Family, NETWORK, PASS, REDIRECT } from './bench.ts'
import { address, type Ends, FLAG, icmpError, parse, parseIp, reverse, tcp, udp, udpFragments } from './packets.ts'

/** Both families in the words of one test. */
const SIDES = {
  ipv4: { client: '10.0.9.1', router: '10.0.5.1' },
  ipv6: { client: '2001:db8:9::1', router: '2001:db8:5::1' },
} as const
const FAMILIES = ['ipv4', 'ipv6'] as const
const BOTH = [
  ['ipv4', 'TCP'],
  ['ipv4', 'UDP'],
  ['ipv6', 'TCP'],
  ['ipv6', 'UDP'],
] as const

const toService = (family: Family): Ends => ({
  source: [SIDES[family].client, 40000],
  destination: [NETWORK[family].vip, 80],
})
const toServer = (family: Family): Ends => ({
  source: [SIDES[family].client, 40000],
  destination: [`${NETWORK[family].servers}11`, 8080],
})
const open = (protocol: 'TCP' | 'UDP', ends: Ends, options = {}) =>
  protocol === 'TCP' ? tcp(ends, FLAG.syn, '', options) : udp(ends, 'abc', options)

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

describe.each(BOTH)('%s %s', (family, protocol) => {
  test('NAT translates both ways and takes one hop off', () => {
    bench.serve([1], { family, protocol })
    const there = bench.send(open(protocol, toService(family)))
    expect(there).toMatchObject({ verdict: REDIRECT, packet: { ends: toServer(family), ttl: 63 } })
    const answer = reverse(toServer(family))
    const back = bench.send(protocol === 'TCP' ? tcp(answer, FLAG.syn | FLAG.ack, 'odd') : udp(answer, 'odd'))
    expect(back).toMatchObject({ verdict: REDIRECT, packet: { ends: reverse(toService(family)), ttl: 63 } })
    expect(Buffer.from(back.packet.payload).toString()).toBe('odd')
    expect(bench.load()).toEqual(protocol === 'TCP' ? [1, 0] : [0, 1])
    bench.wait(2000).core.sweep()
    expect(bench.load()).toEqual([0, 0])
  })

  test('direct routing changes nothing but the hop count', () => {
    bench.serve([1], { family, protocol, forwarding: { method: 'DR' }, port: 80 })
    expect(bench.send(open(protocol, toService(family)))).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: toService(family), ttl: 63 },
    })
  })

  test.each(['NAT', 'DR'] as const)('%s: a server that is this director itself gets the packet as it is', (method) => {
    bench.serve([1], { family, protocol, forwarding: { method }, port: 80, local: true })
    const frame = open(protocol, toService(family))
    expect(bench.send(frame)).toEqual({ verdict: PASS, packet: parse(frame) })
    expect(bench.load()).not.toEqual([0, 0])
  })

  test('an ICMP error from the servers comes from the virtual IP and quotes it; one from the clients goes on', () => {
    bench.serve([1], { family, protocol })
    bench.send(open(protocol, toService(family)))
    const type = family === 'ipv4' ? 3 : 1
    const { client, router } = SIDES[family]
    const fromServer = icmpError(type, 1, `${NETWORK[family].servers}11`, client, open(protocol, toServer(family)))
    const one = bench.send(fromServer)
    expect(one.packet).toMatchObject({ ends: { source: [NETWORK[family].vip, 0], destination: [client, 0] } })
    const header = family === 'ipv4' ? 20 : 40
    const original = open(protocol, toService(family)).subarray(14, 14 + header + 8)
    expect(Buffer.from(one.packet.payload).toString('hex')).toBe(Buffer.from(original).toString('hex'))

    const answer = open(protocol, reverse(toService(family)))
    const other = bench.send(icmpError(type, 1, router, NETWORK[family].vip, answer))
    expect(other.packet).toMatchObject({
      ends: { source: [router, 0], destination: [`${NETWORK[family].servers}11`, 0] },
    })
    const seen = open(protocol, reverse(toServer(family))).subarray(14, 14 + header + 8)
    expect(Buffer.from(other.packet.payload).toString('hex')).toBe(Buffer.from(seen).toString('hex'))
  })
})

describe.each(FAMILIES)('%s', (family) => {
  const { vip } = NETWORK[family]
  const { client } = SIDES[family]
  const ownError = { source: [vip, 0], destination: [client, 0] }

  test('no server: port unreachable from the virtual IP', () => {
    const { packet } = bench.serve([], { family }).send(tcp(toService(family), FLAG.syn))
    expect(packet).toMatchObject({ ends: ownError, icmp: family === 'ipv4' ? [3, 3, 0] : [1, 4, 0] })
  })

  test('the last hop: time exceeded', () => {
    const { packet } = bench.serve([1], { family }).send(tcp(toService(family), FLAG.syn, '', { ttl: 1 }))
    expect(packet).toMatchObject({ ends: ownError, icmp: family === 'ipv4' ? [11, 0, 0] : [3, 0, 0] })
  })

  test('longer than the link to the server: too big, with its MTU', () => {
    bench.serve([1], { family, mtu: 1400 }).send(tcp(toService(family), FLAG.syn))
    const { packet } = bench.send(tcp(toService(family), FLAG.ack, 'x'.repeat(1400), { dontFragment: true }))
    expect(packet).toMatchObject({ ends: ownError, icmp: family === 'ipv4' ? [3, 4, 1400] : [2, 0, 1400] })
  })

  test('a datagram in fragments goes to one server, and so does the answer', () => {
    bench.serve([1, 1], { family, protocol: 'UDP' })
    const payload = 'x'.repeat(1500)
    const [first, second] = udpFragments(toService(family), payload, 1200)
    const one = bench.send(first)
    const two = bench.send(second)
    expect([one.verdict, two.verdict]).toEqual([REDIRECT, REDIRECT])
    const [server] = one.packet.ends.destination
    expect(two.packet.ends.destination[0]).toBe(server)
    const whole = udp({ source: [client, 40000], destination: [server, 8080] }, payload)
    const joined = Buffer.concat([Buffer.from(one.packet.payload), Buffer.from(two.packet.payload)])
    expect(joined.toString()).toBe(payload)
    // The checksum in the first fragment is that of the whole datagram.
    const l4 = family === 'ipv4' ? 34 : 54
    const sum = Buffer.from(whole).readUInt16BE(l4 + 6)
    expect(Buffer.from(bench.sendRaw(first)).readUInt16BE((family === 'ipv4' ? 34 : 62) + 6)).toBe(sum)

    const answer: Ends = { source: [server, 8080], destination: [client, 40000] }
    const back = udpFragments(answer, payload, 1200).map((fragment) => bench.send(fragment))
    expect(back.map(({ verdict }) => verdict)).toEqual([REDIRECT, REDIRECT])
    expect(back.map(({ packet }) => packet.ends.source[0])).toEqual([vip, vip])
  })
})

test('the headers that may stand before TCP in IPv6 are stepped over', () => {
  bench.serve([1], { family: 'ipv6' })
  const plain = Buffer.from(tcp(toService('ipv6'), FLAG.syn))
  // Hop-by-hop options, then destination options, with nothing but padding in them.
  const options = (next: number) => Buffer.from([next, 0, 1, 4, 0, 0, 0, 0])
  const frame = Buffer.concat([plain.subarray(0, 54), options(60), options(6), plain.subarray(54)])
  frame.writeUInt16BE(plain.readUInt16BE(18) + 16, 18)
  frame[20] = 0
  const out = Buffer.from(bench.sendRaw(Uint8Array.from(frame)))
  expect(out.subarray(38, 54)).toEqual(Buffer.from(addressBytes(address(toServer('ipv6').destination[0]))))
  expect(out.readUInt16BE(54 + 16 + 2)).toBe(8080)
})

test('a client of a persistent IPv6 service is known by its network', () => {
  const servers = [11, 12, 13].map((last) => ({
    endpoint: { address: address(`2001:db8:1::${last}`), port: 80 },
    forwarding: { method: 'NAT' as const },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  bench.lay(servers, { scheduler: 'rr', family: 'ipv6', persistence: { timeoutSeconds: 60, clientPrefix: 56 } })
  const server = (from: string, port: number) =>
    bench.send(tcp({ source: [from, port], destination: [NETWORK.ipv6.vip, 80] }, FLAG.syn)).packet.ends.destination[0]
  const first = server('2001:db8:9:a0::1', 1)
  expect(server('2001:db8:9:af:1::2', 2)).toBe(first)
  expect(server('2001:db8:9:100::1', 3)).not.toBe(first)
})

describe('tunnels', () => {
  const mixes = FAMILIES.flatMap((outer) => FAMILIES.map((inner) => [inner, outer] as const))
  const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const
  const PROTOCOL = { ipv4: 4, ipv6: 41 } as const

  /** Sends a packet through a tunnel. Returns it as it was before, after one hop, and what came around it. */
  const wrap = (
    family: Family,
    serverFamily: Family,
    tunnel: Parameters<typeof tunnelTo>[0],
    protocol: 'TCP' | 'UDP',
  ) => {
    bench.serve([1], { family, serverFamily, protocol, forwarding: tunnelTo(tunnel), port: 80 })
    const options = { ttl: 9, dontFragment: true, tos: 0x1a }
    const inner = Buffer.from(open(protocol, toService(family), { ...options, ttl: 8 })).subarray(14)
    const out = bench.sendRaw(open(protocol, toService(family), options)).subarray(14)
    return { inner, outer: parseIp(out), header: Buffer.from(out.subarray(0, out.length - inner.length)), out }
  }
  const tunnelTo = (
    tunnel: { type: 'ipip' } | { type: 'gue'; port: number; checksum: boolean } | { type: 'gre'; checksum: boolean },
  ) => ({ method: 'TUN', tunnel }) as const

  test.each(mixes)('%s in %s', (family, serverFamily) => {
    const { inner, outer, header, out } = wrap(family, serverFamily, { type: 'ipip' }, 'TCP')
    const { local, servers } = NETWORK[serverFamily]
    expect(outer).toMatchObject({ source: local, destination: `${servers}11`, ttl: 8, tos: 0x1a })
    expect(outer.protocol).toBe(PROTOCOL[family])
    expect(Buffer.from(outer.payload)).toEqual(inner)
    expect(header.length).toBe(serverFamily === 'ipv4' ? 20 : 40)
    if (family === 'ipv4' && serverFamily === 'ipv4') expect(Buffer.from(out).readUInt16BE(6)).toBe(0x4000)
  })

  test.each(mixes.flatMap(([inner, outer]) => [false, true].map((checked) => [inner, outer, checked] as const)))(
    'GUE: %s in %s, checksum %s',
    (family, serverFamily, checked) => {
      const { inner, outer } = wrap(family, serverFamily, { type: 'gue', port: 6080, checksum: checked }, 'UDP')
      const udpHeader = Buffer.from(outer.payload)
      expect(outer.protocol).toBe(17)
      expect(udpHeader.readUInt16BE(0)).toBeGreaterThanOrEqual(0xc000)
      expect(udpHeader.readUInt16BE(2)).toBe(6080)
      expect(udpHeader.readUInt16BE(4)).toBe(udpHeader.length)
      expect([...udpHeader.subarray(8, 12)]).toEqual([0, PROTOCOL[family], 0, 0])
      expect(udpHeader.subarray(12)).toEqual(inner)
      if (!checked) {
        expect(udpHeader.readUInt16BE(6)).toBe(0)
        return
      }
      const tail = Buffer.from([0, 17, udpHeader.length >> 8, udpHeader.length & 255])
      expect(udpHeader.readUInt16BE(6)).not.toBe(0)
      expect(checksum(addressBytes(outer.source), addressBytes(outer.destination), tail, udpHeader)).toBe(0)
    },
  )

  test.each(mixes.flatMap(([inner, outer]) => [false, true].map((checked) => [inner, outer, checked] as const)))(
    'GRE: %s in %s, checksum %s',
    (family, serverFamily, checked) => {
      const { inner, outer } = wrap(family, serverFamily, { type: 'gre', checksum: checked }, 'TCP')
      const gre = Buffer.from(outer.payload)
      expect(outer.protocol).toBe(47)
      expect([gre.readUInt16BE(0), gre.readUInt16BE(2)]).toEqual([checked ? 0x8000 : 0, ETHERTYPE[family]])
      expect(gre.subarray(checked ? 8 : 4)).toEqual(inner)
      if (checked) expect(checksum(gre)).toBe(0)
    },
  )

  test('a datagram without a checksum has no known sum: its GUE datagram has none either', () => {
    const forwarding = tunnelTo({ type: 'gue', port: 6080, checksum: true })
    bench.serve([1], { protocol: 'UDP', forwarding, port: 80 })
    const out = bench.sendRaw(udp(toService('ipv4'), 'abc', { noChecksum: true }))
    expect(Buffer.from(out).readUInt16BE(34 + 6)).toBe(0)
  })

  test.each([
    ['ipv4', 'ipv4', 1480],
    ['ipv6', 'ipv4', 1480],
    ['ipv4', 'ipv6', 1460],
    ['ipv6', 'ipv6', 1460],
  ] as const)('%s in %s on a 1500-byte link has room for %i', (family, serverFamily, room) => {
    bench.serve([1], { family, serverFamily, forwarding: tunnelTo({ type: 'ipip' }), port: 80 })
    const send = (length: number) => {
      const payload = 'x'.repeat(length - (family === 'ipv4' ? 40 : 60))
      return bench.sendRaw(tcp(toService(family), FLAG.syn, payload, { dontFragment: true }))
    }
    expect(send(room).length).toBe(14 + 1500)
    const { icmp } = parse(send(room + 1))
    expect(icmp).toEqual(family === 'ipv4' ? [3, 4, room] : [2, 0, room])
  })

  test.each<[Family, Family, Parameters<typeof tunnelTo>[0], number]>([
    ['ipv4', 'ipv4', { type: 'ipip' }, 20],
    ['ipv6', 'ipv4', { type: 'gre', checksum: true }, 28],
    ['ipv4', 'ipv6', { type: 'gue', port: 6080, checksum: false }, 52],
    ['ipv6', 'ipv6', { type: 'ipip' }, 40],
  ])(
    '%s in %s: what a router on the way to the server has no room for, clients are told',
    (family, serverFamily, tunnel, head) => {
      bench.serve([1], { family, serverFamily, forwarding: tunnelTo(tunnel), port: 80 })
      const long = (flags: number) => tcp(toService(family), flags, 'x'.repeat(1350), { dontFragment: true })
      bench.sendRaw(tcp(toService(family), FLAG.syn))
      const wrapped = bench.sendRaw(long(FLAG.ack))
      expect(wrapped.length).toBeGreaterThan(1400)
      const { local } = NETWORK[serverFamily]
      const router = SIDES[serverFamily].router
      const [type, code] = serverFamily === 'ipv4' ? [3, 4] : [2, 0]
      // It goes to this director, whose kernel learns of it, too. Quoted too little, it tells nothing.
      const told = (quote: number) => bench.send(icmpError(type, code, router, local, wrapped, quote)).verdict
      expect(told(8)).toBe(PASS)
      expect(bench.sendRaw(long(FLAG.ack)).length).toBe(wrapped.length)
      expect(told(100)).toBe(PASS)
      const { icmp } = parse(bench.sendRaw(long(FLAG.ack)))
      expect(icmp).toEqual(family === 'ipv4' ? [3, 4, 1400 - head] : [2, 0, 1400 - head])
      bench.wait(601)
      expect(bench.sendRaw(long(FLAG.ack)).length).toBe(wrapped.length)
    },
  )

  test('an ICMP error from the clients goes to the server through its tunnel', () => {
    bench.serve([1], { forwarding: tunnelTo({ type: 'ipip' }), port: 80 })
    bench.sendRaw(tcp(toService('ipv4'), FLAG.syn))
    const error = icmpError(3, 4, '10.0.5.1', NETWORK.ipv4.vip, tcp(reverse(toService('ipv4')), FLAG.ack))
    const outer = parseIp(bench.sendRaw(error).subarray(14))
    expect(outer).toMatchObject({ protocol: 4, destination: '192.168.1.11' })
    expect(parseIp(outer.payload)).toMatchObject({ protocol: 1, source: '10.0.5.1', destination: NETWORK.ipv4.vip })
  })
})
