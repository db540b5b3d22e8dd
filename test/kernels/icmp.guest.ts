import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FrameHost } from '../support/frame-exchange.ts'
import { Lab, until } from '../support/lab.ts'
import {
  type Ends,
  FLAG,
  fragmentsOf,
  icmpError,
  parse,
  parseIp,
  reverse,
  tcp,
  udp,
  withIpOptions,
  withTtl,
} from '../bpf/packets.ts'
import { IpvsTwin, TanistTwin, type Twin, VIP } from './twins.ts'

/** ICMP errors, fragments and last hops: the kernel's IPVS and Tanist get the same frames, and the same must leave. */
const CLIENT = '172.18.0.99'
const ROUTER = '172.18.0.98'
const SERVER = '192.168.10.99'
const OTHER_SERVER = '192.168.10.98'
/** This director's address towards the servers. */
const DIRECTOR = '192.168.10.1'
/** RFC 4727: options that nobody knows; the first bit says whether they are copied into all fragments. */
const NOT_COPIED = [30, 6, 1, 2, 3, 4, 1, 1]
const COPIED = [158, 4, 9, 9]

interface Side {
  readonly twin: Twin
  readonly client: FrameHost
  readonly server: FrameHost
}
const lab = new Lab()
const twins = [new IpvsTwin(lab), new TanistTwin(lab)] as const
let sides: readonly Side[] = []

const NAT: Ends = { source: [CLIENT, 4000], destination: [VIP, 7000] }
const NAT_INSIDE: Ends = { source: NAT.source, destination: [SERVER, 9000] }

beforeAll(async () => {
  for (const twin of twins) {
    await twin.start()
    // One limit for both, so slow that nothing is refilled meanwhile. (With a slower one the kernel begins with less than six.)
    lab.run(twin.name, ['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=10000'])
    lab.run(twin.name, ['ip', 'route', 'add', 'blackhole', '203.0.113.0/24']) // has the daemon read it
    for (const line of [
      `-A -u ${VIP}:7000 -s rr`,
      `-a -u ${VIP}:7000 -r ${SERVER}:9000 -m`,
      `-A -t ${VIP}:7001 -s rr`,
      `-a -t ${VIP}:7001 -r ${SERVER}:9001 -m`,
      `-A -t ${VIP}:7002 -s rr`,
    ])
      expect(await twin.ipvsadm(`ipvsadm ${line}`)).toEqual({ status: 0, stdout: '', stderr: '' })
  }
  sides = await Promise.all(
    twins.map(async (twin) => ({
      twin,
      client: await FrameHost.start(lab, `c-${twin.name}`, twin.name, 'eth0', [CLIENT, ROUTER]),
      server: await FrameHost.start(lab, `s-${twin.name}`, twin.name, 'eth1', [SERVER, OTHER_SERVER]),
    })),
  )
  await both('client', [udp(NAT, 'opens')], ({ server }) => server)
})
afterAll(() => lab.destroy())

/** What comes at one side of each when these frames come from a side: of IPVS, and of Tanist. */
async function both(
  from: 'client' | 'server',
  frames: readonly Uint8Array[],
  at: (side: Side) => FrameHost,
): Promise<[ipvs: Uint8Array[], tanist: Uint8Array[]]> {
  const [ipvs = [], tanist = []] = await Promise.all(
    sides.map(async (side) => {
      await side[from].send(frames)
      return at(side).received()
    }),
  )
  return [ipvs, tanist]
}
const toClient = ({ client }: Side) => client
const toServer = ({ server }: Side) => server

const ETHERNET = 14
/** An error's ends, TTL, kind, and what it quotes up to the ports. IPVS leaves a quoted UDP checksum as it was. */
const error = (frame: Uint8Array) => {
  const { ends, ttl, icmp, payload } = parse(frame)
  return { ends, ttl, icmp, quote: Buffer.from(payload.subarray(0, ((payload[0] ?? 0) & 15) * 4 + 4)).toString('hex') }
}
/** Without its number, which IPVS gives a datagram that it has put together. */
const fragment = (frame: Uint8Array) => {
  const header = Buffer.from(frame.subarray(ETHERNET, ETHERNET + ((frame[ETHERNET] ?? 0) & 15) * 4))
  const { source, destination, ttl, payload } = parseIp(frame.subarray(ETHERNET))
  return {
    source,
    destination,
    ttl,
    place: header.readUInt16BE(6),
    options: [...header.subarray(20)],
    data: Buffer.from(payload).toString('hex'),
  }
}

describe('ICMP errors about a connection by NAT', () => {
  const inside = udp(NAT_INSIDE, 'x'.repeat(64))
  const outside = udp(reverse(NAT), 'x'.repeat(64))
  const NOP = [1, 1, 1, 1]

  test.each([
    ['8 bytes quoted', 3, 8, inside, outside],
    ['4 bytes quoted', 3, 4, inside, outside],
    ['a quoted header with options', 3, 12, withIpOptions(inside, NOP), withIpOptions(outside, NOP)],
    ['4 bytes behind a header with options', 3, 8, withIpOptions(inside, NOP), withIpOptions(outside, NOP)],
    ['a source quench', 4, 8, inside, outside],
  ] as const)('%s', async (_name, type, bytes, quotedInside, quotedOutside) => {
    const code = type === 3 ? 1 : 0
    const fromServer = icmpError(type, code, OTHER_SERVER, CLIENT, quotedInside, bytes)
    const [ipvs, tanist] = await both('server', [fromServer], toClient)
    expect(ipvs.map(error)).toMatchObject([{ ends: { source: [VIP, 0], destination: [CLIENT, 0] } }])
    expect(tanist.map(error)).toEqual(ipvs.map(error))

    const fromClient = icmpError(type, code, ROUTER, VIP, quotedOutside, bytes)
    const [expected, actual] = await both('client', [fromClient], toServer)
    expect(expected.map(error)).toMatchObject([{ ends: { source: [ROUTER, 0], destination: [SERVER, 0] } }])
    expect(actual.map(error)).toEqual(expected.map(error))
  })

  test('a parameter problem: Tanist translates it; with IPVS the client sees the server', async () => {
    const [ipvs, tanist] = await both('server', [icmpError(12, 0, OTHER_SERVER, CLIENT, inside)], toClient)
    const quotes = ([to]: ReturnType<typeof error>[]) =>
      Buffer.from(to?.quote ?? '', 'hex')
        .subarray(16, 20)
        .join('.')
    expect(ipvs.map(error)).toMatchObject([{ ends: { source: [OTHER_SERVER, 0], destination: [CLIENT, 0] } }])
    expect(quotes(ipvs.map(error))).toBe(SERVER)
    expect(tanist.map(error)).toMatchObject([{ ends: { source: [VIP, 0], destination: [CLIENT, 0] } }])
    expect(quotes(tanist.map(error))).toBe(VIP)
  })

  test('the last hop of one makes no other', async () => {
    for (const [from, frame, at] of [
      ['server', icmpError(3, 1, OTHER_SERVER, CLIENT, inside), toServer],
      ['client', icmpError(3, 1, ROUTER, VIP, outside), toClient],
    ] as const) {
      const [ipvs, tanist] = await both(from, [withTtl(frame, 1)], at)
      expect([ipvs, tanist]).toEqual([[], []])
    }
  })
})

describe('errors of the director’s own', () => {
  test('to a client they come from the virtual IP', async () => {
    const [ipvs, tanist] = await both('client', [udp(NAT, 'x'.repeat(64), { ttl: 1 })], toClient)
    expect(ipvs.map(error)).toMatchObject([{ ends: { source: [VIP, 0], destination: [CLIENT, 0] }, icmp: [11, 0, 0] }])
    expect(tanist.map(error)).toEqual(ipvs.map(error))
  })

  test('to a server they come from the director', async () => {
    const [ipvs, tanist] = await both('server', [udp(reverse(NAT_INSIDE), 'x'.repeat(64), { ttl: 1 })], toServer)
    expect(ipvs.map(error)).toMatchObject([
      { ends: { source: [DIRECTOR, 0], destination: [SERVER, 0] }, icmp: [11, 0, 0] },
    ])
    expect(tanist.map(error)).toEqual(ipvs.map(error))
  })

  test('300 SYNs to a service without servers: as many errors', async () => {
    // From an address that was not told anything yet.
    const syns = Array.from({ length: 300 }, (_, i) =>
      tcp({ source: [ROUTER, 10_000 + i], destination: [VIP, 7002] }, FLAG.syn),
    )
    const [ipvs, tanist] = await both('client', syns, toClient)
    expect(ipvs.map(error)).toMatchObject(
      Array.from({ length: 6 }, () => ({ ends: { source: [VIP, 0], destination: [ROUTER, 0] }, icmp: [3, 3, 0] })),
    )
    expect(tanist.map(error)).toEqual(ipvs.map(error))
  })
})

describe('fragments', () => {
  let datagrams = 0
  const payload = Array.from({ length: 350 }, (_, i) => String(i).padStart(4)).join('')
  const joined = (frames: readonly Uint8Array[]) =>
    frames
      .map(fragment)
      .toSorted((a, b) => (a.place & 0x1fff) - (b.place & 0x1fff))
      .map(({ data }) => data)
      .join('')
  const ends = (frames: readonly Uint8Array[]) => [
    ...new Set(frames.map(fragment).map(({ source, destination, ttl }) => `${source} > ${destination}, TTL ${ttl}`)),
  ]

  test.each([
    ['to a server', 'client', NAT, toServer, `${CLIENT} > ${SERVER}, TTL 63`],
    ['from a server', 'server', reverse(NAT_INSIDE), toClient, `${VIP} > ${CLIENT}, TTL 63`],
  ] as const)('%s, last one first: the whole datagram arrives', async (_name, from, flow, at, seen) => {
    for (const starts of [
      [0, 1000],
      [0, 400, 800, 1200],
    ]) {
      const [ipvs, tanist] = await both(from, fragmentsOf(udp(flow, payload), starts, ++datagrams).toReversed(), at)
      expect([ends(ipvs), ends(tanist)]).toEqual([[seen], [seen]])
      expect(joined(tanist) === joined(ipvs)).toBe(true)
    }
  })

  test.each([8, 16])('a first one with %i bytes of a TCP header, in both orders', async (bytes) => {
    for (const reversed of [false, true]) {
      const ports: Ends = { source: [CLIENT, 20_000 + bytes * 2 + Number(reversed)], destination: [VIP, 7001] }
      const parts = fragmentsOf(tcp(ports, FLAG.syn, 'data'), [0, bytes], ++datagrams)
      const [ipvs, tanist] = await both('client', reversed ? parts.toReversed() : parts, toServer)
      expect(ends(ipvs)).toEqual([`${CLIENT} > ${SERVER}, TTL 63`])
      expect(ends(tanist)).toEqual(ends(ipvs))
      expect(joined(tanist)).toBe(joined(ipvs))
    }
  })

  test('too long for the way to the server: in fragments, each with the options that it should have', async () => {
    for (const { twin } of sides) lab.run(twin.name, ['ip', 'link', 'set', 'eth1', 'mtu', '576'])
    // The daemon hears of it a little later.
    await until('both to know', async () => {
      const sent = await both('client', [udp(NAT, payload)], toServer)
      return sent.every(({ length }) => length === 3)
    })
    for (const options of [[], [...NOT_COPIED, ...COPIED]]) {
      const long = options.length === 0 ? udp(NAT, payload) : withIpOptions(udp(NAT, payload), options)
      const [ipvs, tanist] = await both('client', [long], toServer)
      expect(ipvs.length).toBe(3)
      expect(tanist.map(fragment)).toEqual(ipvs.map(fragment))
    }
  })
})
