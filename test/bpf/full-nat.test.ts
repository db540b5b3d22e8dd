import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressBytes } from '../../src/net/address.ts'
import { Bench, type Family, NETWORK, PASS, REDIRECT } from './bench.ts'
import { address, type Ends, FLAG, fragmentsOf, icmpError, parse, parseIp, reverse, sctp, tcp, udp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const FIRST_PORT = 1024
const PORTS = 65_536 - FIRST_PORT
const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const POOL = {
  ipv4: ['192.168.1.201', '192.168.1.202'],
  ipv6: ['2001:db8:1::201', '2001:db8:1::202'],
} as const

const fromClient = (family: Family = 'ipv4', port = 40000): Ends => ({
  source: [CLIENT[family], port],
  destination: [NETWORK[family].vip, 80],
})

function serve(
  options: {
    family?: Family
    protocol?: 'TCP' | 'UDP' | 'SCTP'
    pool?: readonly string[]
    servers?: number
    idleSeconds?: number
    mtu?: number
  } = {},
): void {
  const { family = 'ipv4', protocol = 'TCP', pool = POOL[family], servers = 1, idleSeconds, mtu } = options
  bench.lay(
    Array.from({ length: servers }, (_, i) => ({
      endpoint: { address: address(`${NETWORK[family].servers}${11 + i}`), port: 8080 },
      forwarding: { method: 'FNAT' as const },
      weight: 1,
      fullWeight: 1,
      thresholds: { upper: 0, lower: 0 },
    })),
    {
      scheduler: 'rr',
      protocol,
      family,
      localAddresses: pool,
      ...(mtu === undefined ? {} : { mtu }),
      ...(idleSeconds === undefined ? {} : { idleSeconds }),
    },
  )
}

/** A connection up to the server's SYN-ACK, whose sequence number is 1000. Returns the ends between director and server. */
function open(family: Family = 'ipv4', port = 40000): Ends {
  const { packet } = bench.send(tcp(fromClient(family, port), FLAG.syn))
  bench.send(tcp(reverse(packet.ends), FLAG.syn | FLAG.ack, '', { sequence: 1000 }))
  return packet.ends
}

describe.each(['ipv4', 'ipv6'] as const)('full NAT, %s', (family) => {
  const server = `${NETWORK[family].servers}11`

  test.each(['TCP', 'UDP', 'SCTP'] as const)('%s is translated at both ends, both ways', (protocol) => {
    serve({ family, protocol })
    const INIT = 1
    const make = (ends: Ends) =>
      protocol === 'TCP' ? tcp(ends, FLAG.syn, 'odd') : protocol === 'UDP' ? udp(ends, 'odd') : sctp(ends, INIT, 'four')
    const there = bench.send(make(fromClient(family)))
    expect(there.verdict).toBe(REDIRECT)
    expect(there.packet.ends).toEqual({ source: [POOL[family][0], FIRST_PORT], destination: [server, 8080] })
    expect(there.packet.ttl).toBe(63)
    const back = bench.send(make(reverse(there.packet.ends)))
    expect(back.verdict).toBe(REDIRECT)
    expect(back.packet.ends).toEqual(reverse(fromClient(family)))
    expect(back.packet.ttl).toBe(63)
    expect(back.packet.payload).toEqual(parse(make(fromClient(family))).payload)
    const [connection] = [...bench.core.connections()]
    expect(connection?.local).toEqual({ address: POOL[family][0], port: FIRST_PORT })
    // What comes again goes the same way.
    expect(bench.send(make(fromClient(family))).packet.ends).toEqual(there.packet.ends)
  })

  test("without local addresses the server sees the director's own address", () => {
    serve({ family, pool: [] })
    const { packet } = bench.send(tcp(fromClient(family), FLAG.syn))
    expect(packet.ends.source).toEqual([NETWORK[family].local, FIRST_PORT])
  })

  test('the option tells the client until the client has got data', () => {
    serve({ family })
    open(family)
    const size = family === 'ipv4' ? 8 : 20
    const option = [254, size, 40000 >> 8, 40000 & 0xff, ...addressBytes(address(CLIENT[family]))]
    const ack = bench.send(tcp(fromClient(family), FLAG.ack, '', { acknowledged: 1001 })).packet
    expect(ack.tcpOptions).toEqual(option)
    // It stands before the client's own options.
    const nops = [1, 1, 1, 1]
    const data = bench.send(tcp(fromClient(family), FLAG.ack, 'GET /', { acknowledged: 1001, tcpOptions: nops })).packet
    expect(data.tcpOptions).toEqual([...option, ...nops])
    expect(Buffer.from(data.payload).toString()).toBe('GET /')
    const later = bench.send(tcp(fromClient(family), FLAG.ack, 'GET /', { acknowledged: 1002 })).packet
    expect(later.tcpOptions).toEqual([])
  })

  test('the option is left out where there is no room for it', () => {
    serve({ family })
    open(family)
    const headers = (family === 'ipv4' ? 20 : 40) + 20
    const full = 'x'.repeat(1500 - headers)
    const long = bench.send(tcp(fromClient(family), FLAG.ack, full, { acknowledged: 1001 }))
    expect([long.verdict, long.packet.tcpOptions, long.packet.payload.length]).toEqual([REDIRECT, [], full.length])
    const short = 'x'.repeat(1500 - headers - (family === 'ipv4' ? 8 : 20))
    const fits = bench.send(tcp(fromClient(family), FLAG.ack, short, { acknowledged: 1001 })).packet
    expect(Buffer.from(fits.payload).toString()).toBe(short)
    expect(fits.tcpOptions[0]).toBe(254)
    const options = Array.from({ length: 40 }, () => 1)
    const crowded = bench.send(tcp(fromClient(family), FLAG.ack, '', { acknowledged: 1001, tcpOptions: options }))
    expect(crowded.packet.tcpOptions).toEqual(options)
  })

  test.each([
    ['first', [2, 4, 0x05, 0xb4], 2],
    ['behind others, at an odd place', [1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 4, 0x05, 0xb4, 0], 13],
  ])("the server's maximum segment size leaves room for the option: %s", (_where, options, at) => {
    serve({ family })
    const { packet } = bench.send(tcp(fromClient(family), FLAG.syn, '', { tcpOptions: options }))
    expect(packet.tcpOptions).toEqual(options) // the client's is not touched
    const back = bench.send(tcp(reverse(packet.ends), FLAG.syn | FLAG.ack, '', { tcpOptions: options })).packet
    const [high = 0, low = 0] = back.tcpOptions.slice(at)
    expect(high * 256 + low).toBe(0x05b4 - (family === 'ipv4' ? 8 : 20))
  })

  test('ICMP errors are translated at both ends, both ways', () => {
    serve({ family })
    const inside = open(family)
    const tooBig: [number, number] = family === 'ipv4' ? [3, 4] : [2, 0]
    const option = family === 'ipv4' ? 8 : 20
    // A router on the servers' side: the client is to leave room for the option.
    const fromInside = icmpError(...tooBig, server, inside.source[0], tcp(inside, FLAG.ack))
    const toClient = bench.send(fromInside)
    expect(toClient.verdict).toBe(REDIRECT)
    expect(toClient.packet.ends).toMatchObject({
      source: [NETWORK[family].vip, 0],
      destination: [CLIENT[family], 0],
    })
    expect(toClient.packet.icmp).toEqual([...tooBig, 1400 - option])
    const ip = family === 'ipv4' ? 20 : 40
    const original = tcp(fromClient(family), FLAG.ack)
    expect([...toClient.packet.payload.subarray(0, ip + 4)]).toEqual([...original.subarray(14, 14 + ip + 4)])
    // One on the clients' side.
    const fromOutside = icmpError(
      ...tooBig,
      CLIENT[family],
      NETWORK[family].vip,
      tcp(reverse(fromClient(family)), FLAG.ack),
    )
    const toServer = bench.send(fromOutside)
    expect(toServer.packet.ends).toMatchObject({ source: [inside.source[0], 0], destination: [server, 0] })
    expect(toServer.packet.icmp).toEqual([...tooBig, 1400])
    const answer = tcp(reverse(inside), FLAG.ack)
    expect([...toServer.packet.payload.subarray(0, ip + 4)]).toEqual([...answer.subarray(14, 14 + ip + 4)])
  })
})

describe.each(['ipv4', 'ipv6'] as const)('%s: a last fragment shorter than any header', (family) => {
  test.each(['UDP', 'TCP'] as const)('of %s, both ways', (protocol) => {
    serve({ family, protocol })
    const open = (ends: Ends, payload: string) =>
      protocol === 'UDP' ? udp(ends, payload) : tcp(ends, FLAG.syn, payload)
    const inside = bench.send(open(fromClient(family), '')).packet.ends
    const header = protocol === 'UDP' ? 8 : 20
    for (const [from, to] of [
      [fromClient(family), inside],
      [reverse(inside), reverse(fromClient(family))],
    ] as const) {
      const fragments = fragmentsOf(open(from, `${'x'.repeat(1473 - header)}last`), [0, 1472])
      const sent = fragments.map((one) => bench.pass(one))
      expect(sent.map(({ verdict }) => verdict)).toEqual([REDIRECT, REDIRECT])
      const { source, destination, payload, ttl } = parseIp((sent[1]?.frame ?? new Uint8Array()).subarray(14))
      expect({ source, destination, ttl }).toEqual({ source: to.source[0], destination: to.destination[0], ttl: 63 })
      expect(Buffer.from(payload).toString()).toBe('xlast')
    }
    expect(bench.core.drops().malformed).toBe(0n)
  })
})

describe('local addresses and ports', () => {
  const source = (port: number, family: Family = 'ipv4') => bench.send(udp(fromClient(family, port))).packet.ends.source

  test('take turns, and those in use are stepped over', () => {
    serve({ protocol: 'UDP' })
    expect([1, 2, 3].map((port) => source(port))).toEqual([
      ['192.168.1.201', FIRST_PORT],
      ['192.168.1.202', FIRST_PORT],
      ['192.168.1.201', FIRST_PORT + 1],
    ])
    // The same address and port serve for each server.
    serve({ protocol: 'UDP', servers: 2 })
    const both = [4, 5, 6, 7].map((port) => bench.send(udp(fromClient('ipv4', port))).packet.ends)
    expect(both.map(({ source: [, port], destination: [to] }) => `${to} ${port}`).toSorted()).toEqual([
      '192.168.1.11 1025',
      '192.168.1.11 1026',
      '192.168.1.12 1024',
      '192.168.1.12 1024',
    ])
  })

  test('all of them are given out; then the client is refused, until one is free', () => {
    serve({ protocol: 'UDP', pool: ['192.168.1.201'] })
    const clients = Array.from({ length: PORTS }, (_, i) => 1000 + i)
    const seen = new Set<number>()
    for (const port of clients) seen.add(source(port)[1])
    expect(seen.size).toBe(PORTS)
    const refused = bench.send(udp({ source: ['10.0.9.2', 1], destination: [NETWORK.ipv4.vip, 80] }))
    expect(refused.packet.icmp?.slice(0, 2)).toEqual([3, 3])
    expect(bench.core.drops()['no-local-port']).toBe(1n)
    expect(bench.load()).toEqual([0, PORTS])
    // A second address doubles what there is.
    serve({ protocol: 'UDP' })
    const more = bench.send(udp({ source: ['10.0.9.2', 1], destination: [NETWORK.ipv4.vip, 80] }))
    expect(more.packet.ends.source[0]).toBe('192.168.1.202')
    serve({ protocol: 'UDP', pool: ['192.168.1.201'] })
    const gone = { address: address('10.0.9.1'), port: 4711 }
    expect(
      bench.core.forget({ protocol: 'UDP', client: gone, virtual: { address: address(NETWORK.ipv4.vip), port: 80 } }),
    ).toBe(true)
    // A search ends after 1024 places, and the next one goes on from there.
    const tries = Array.from({ length: PORTS / 1024 + 1 }, () =>
      bench.send(udp({ source: ['10.0.9.3', 1], destination: [NETWORK.ipv4.vip, 80] })),
    )
    expect(tries.some(({ verdict, packet }) => verdict === REDIRECT && packet.icmp === undefined)).toBe(true)
  })

  test('a connection that is over gives its place back', () => {
    serve()
    open()
    bench.wait(61).core.sweep()
    expect(bench.load()).toEqual([0, 0])
    const reply: Ends = { source: ['192.168.1.11', 8080], destination: ['192.168.1.201', FIRST_PORT] }
    expect(bench.send(tcp(reply, FLAG.ack)).verdict).toBe(PASS)
  })

  test('a new daemon finds the addresses again, and takes them away with the service', () => {
    serve()
    expect(bench.core.services().map(({ localAddresses }) => localAddresses)).toEqual([POOL.ipv4])
    bench.core.apply({ services: [] }, new Map())
    serve({ pool: [] })
    expect(bench.core.services().map(({ localAddresses }) => localAddresses)).toEqual([[]])
  })
})

describe('time-outs of a service', () => {
  test('hold for its established connections, and for nobody else', () => {
    serve({ idleSeconds: 30 })
    open()
    const expires = () => [...bench.core.connections()].map(({ expiresSeconds }) => expiresSeconds)
    expect(expires()[0]).toBeGreaterThan(50) // SYN_RECV: 60
    bench.send(tcp(fromClient(), FLAG.ack))
    expect(expires()[0]).toBeLessThanOrEqual(30)
    expect(bench.wait(29).send(tcp(fromClient(), FLAG.ack)).verdict).toBe(REDIRECT)
    expect(bench.wait(31).send(tcp(fromClient(), FLAG.ack)).verdict).toBe(PASS)
  })
})
