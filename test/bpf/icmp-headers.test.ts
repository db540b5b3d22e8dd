import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, DROP, type Family, NETWORK, PASS, REDIRECT } from './bench.ts'
import {
  address,
  type Ends,
  FLAG,
  icmpError,
  ipsec,
  parseIp,
  reverse,
  tcp,
  udp,
  withExtension,
  withIpOptions,
} from './packets.ts'

const ETHERNET = 14
const NOP = 1
const ISAKMP = 500
const DESTINATION_OPTIONS = 60
const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const ROUTER = { ipv4: '10.0.5.1', ipv6: '2001:db8:5::1' } as const
const FAMILIES = ['ipv4', 'ipv6'] as const
const UNREACHABLE = { ipv4: [3, 1], ipv6: [1, 0] } as const
const METHODS: readonly (readonly [Forwarding['method'], Forwarding])[] = [
  ['NAT', { method: 'NAT' }],
  ['DR', { method: 'DR' }],
  ['TUN', { method: 'TUN', tunnel: { type: 'ipip' } }],
]

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const fromClient = (family: Family): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [NETWORK[family].vip, 80],
})
const toServer = (family: Family): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [`${NETWORK[family].servers}11`, 8080],
})

/** As many bytes as there can be of IPv4's options; of IPv6 six extension headers. */
const dressed = (family: Family, frame: Uint8Array) =>
  family === 'ipv4' ? withIpOptions(frame, Array<number>(40).fill(NOP)) : extended(frame, 6)

const extended = (frame: Uint8Array, headers: number) =>
  Array.from({ length: headers }).reduce<Uint8Array>(
    (within) => withExtension(within, DESTINATION_OPTIONS, [0, 0, 1, 4, 0, 0, 0, 0]),
    frame,
  )

describe.each(FAMILIES)('%s, an ICMP error that has options or extension headers itself, and quotes some', (family) => {
  const { vip } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`
  const fixed = family === 'ipv4' ? 20 : 40
  const extra = family === 'ipv4' ? 40 : 48
  const [type, code] = UNREACHABLE[family]

  /** Where an error goes, and what it quotes. The quote has `extra` bytes of headers and the ports. */
  function through(error: Uint8Array) {
    const { verdict, frame } = bench.pass(dressed(family, error))
    const packet = frame.subarray(ETHERNET)
    // Of IPv4 the checksum of the header is looked at, too.
    const { source, destination, ttl } = parseIp(packet)
    const quote = packet.subarray(fixed + extra + 8)
    expect(quote.length).toBe(fixed + extra + 8)
    const ports = Buffer.from(quote.subarray(fixed + extra))
    const at = family === 'ipv4' ? 12 : 8
    const size = family === 'ipv4' ? 4 : 16
    return {
      verdict,
      outer: [source, destination],
      ttl,
      quoted: Buffer.from(quote.subarray(at, at + 2 * size)).toString('hex'),
      ports: [ports.readUInt16BE(0), ports.readUInt16BE(2)],
    }
  }
  const addresses = (frame: Uint8Array) => {
    const [at, size] = family === 'ipv4' ? [12, 4] : [8, 16]
    return Buffer.from(frame.subarray(ETHERNET + at, ETHERNET + at + 2 * size)).toString('hex')
  }

  test('from the server’s side it reaches the client, and from the client’s side the server', () => {
    bench.serve([1], { family }).send(tcp(fromClient(family), FLAG.syn))
    const there = dressed(family, tcp(toServer(family), FLAG.syn))
    expect(through(icmpError(type, code, server, CLIENT[family], there, extra + 8))).toEqual({
      verdict: REDIRECT,
      outer: [vip, CLIENT[family]],
      ttl: 63,
      quoted: addresses(tcp(fromClient(family), 0)),
      ports: [40000, 80],
    })
    const back = dressed(family, tcp(reverse(fromClient(family)), FLAG.ack))
    expect(through(icmpError(type, code, ROUTER[family], vip, back, extra + 8))).toEqual({
      verdict: REDIRECT,
      outer: [ROUTER[family], server],
      ttl: 63,
      quoted: addresses(tcp(reverse(toServer(family)), 0)),
      ports: [8080, 40000],
    })
  })

  test('whose quote says of its own headers what is not there, is left alone', () => {
    bench.serve([1], { family }).send(tcp(fromClient(family), FLAG.syn))
    const quoted = Uint8Array.from(tcp(toServer(family), FLAG.syn))
    const cases =
      family === 'ipv4'
        ? [0x44, 0x40, 0x4f, 0x65].map((first) => Uint8Array.from(quoted).fill(first, ETHERNET, ETHERNET + 1))
        : [
            extended(quoted, 7),
            withExtension(quoted, DESTINATION_OPTIONS, [0, 255, 1, 4, 0, 0, 0, 0]),
            Uint8Array.from(quoted).fill(DESTINATION_OPTIONS, ETHERNET + 6, ETHERNET + 7),
          ]
    for (const bad of cases) {
      const error = icmpError(type, code, server, CLIENT[family], bad, bad.length - ETHERNET - fixed)
      expect(bench.pass(error)).toEqual({ verdict: PASS, frame: error })
    }
  })

  test('about a connection whose server is gone is counted', () => {
    bench.serve([1], { family }).send(tcp(fromClient(family), FLAG.syn))
    bench.serve([], { family })
    const error = icmpError(type, code, ROUTER[family], vip, tcp(reverse(fromClient(family)), FLAG.ack))
    expect(bench.pass(error).verdict).toBe(DROP)
    expect(bench.core.drops()['destination-removed']).toBe(1n)
  })
})

describe.each(FAMILIES)('%s, ICMP errors about IPsec go where its key exchange went', (family) => {
  const { vip } = NETWORK[family]
  const server = `${NETWORK[family].servers}11`
  const exchange: Ends = { source: [CLIENT[family], ISAKMP], destination: [vip, ISAKMP] }
  const [type, code] = family === 'ipv4' ? [3, 4] : [2, 0]

  /** One that quotes this much: 8 bytes, which are no ports, are to stay what they are. */
  const about = (from: string, to: string, quoted: Uint8Array) => icmpError(type, code, from, to, quoted, 8)

  test.each(METHODS)('%s', (method, forwarding) => {
    const real = { address: address(server), port: 0 }
    const thresholds = { upper: 0, lower: 0 }
    const persistence = { timeoutSeconds: 300, clientPrefix: family === 'ipv4' ? 32 : 128 }
    bench.lay([{ endpoint: real, forwarding, weight: 1, fullWeight: 1, thresholds }], {
      scheduler: 'rr',
      family,
      protocol: 'UDP',
      port: 0,
      persistence,
    })
    bench.pass(udp(exchange))
    for (const protocol of ['ESP', 'AH'] as const) {
      const error = about(ROUTER[family], vip, ipsec(protocol, vip, CLIENT[family], 'secret'))
      const { verdict, frame } = bench.pass(error)
      expect(verdict).toBe(REDIRECT)
      const outer = parseIp(frame.subarray(ETHERNET))
      expect(outer.destination).toBe(method === 'DR' ? vip : server)
      const { payload } = method === 'TUN' ? parseIp(outer.payload) : outer
      expect(Buffer.from(payload.subarray(8))).toEqual(
        Buffer.from(ipsec(protocol, method === 'NAT' ? server : vip, CLIENT[family], 'secret')).subarray(
          ETHERNET,
          ETHERNET + payload.length - 8,
        ),
      )
      expect(payload.length).toBe((family === 'ipv4' ? 20 : 40) + 8 + 8)
    }
    if (method !== 'NAT') return
    const { packet } = bench.send(about(ROUTER[family], CLIENT[family], ipsec('ESP', CLIENT[family], server, 'secret')))
    expect(packet.ends).toMatchObject({ source: [vip, 0], destination: [CLIENT[family], 0] })
    expect(Buffer.from(packet.payload)).toEqual(
      Buffer.from(ipsec('ESP', CLIENT[family], vip, 'secret')).subarray(ETHERNET, ETHERNET + packet.payload.length),
    )
  })

  test('of other clients’ IPsec nothing is known', () => {
    bench.serve([1], { family, protocol: 'UDP' })
    const error = about(ROUTER[family], vip, ipsec('ESP', vip, CLIENT[family], 'secret'))
    expect(bench.pass(error)).toEqual({ verdict: PASS, frame: error })
  })
})
