import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, type Family, NETWORK } from './bench.ts'
import { address, type Ends, ipsec, parseIp, udp } from './packets.ts'

const ETHERNET = 14
const ISAKMP = 500
const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
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

function serve(family: Family, forwarding: Forwarding): void {
  const servers = [11, 12].map((host) => ({
    endpoint: { address: address(`${NETWORK[family].servers}${host}`), port: 0 },
    forwarding,
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  const persistence = { timeoutSeconds: 300, clientPrefix: family === 'ipv4' ? 32 : 128 }
  bench.lay(servers, { scheduler: 'rr', family, protocol: 'UDP', port: 0, persistence })
}

describe.each(['ipv4', 'ipv6'] as const)('IPsec goes where its key exchange went, %s', (family) => {
  const { vip } = NETWORK[family]
  const exchange: Ends = { source: [CLIENT[family], ISAKMP], destination: [vip, ISAKMP] }
  const sent = (frame: Uint8Array) => parseIp(bench.sendRaw(frame).subarray(ETHERNET))

  test.each(METHODS)('%s', (method, forwarding) => {
    serve(family, forwarding)
    const server = sent(udp(exchange)).destination
    for (const protocol of ['ESP', 'AH'] as const) {
      const packet = ipsec(protocol, CLIENT[family], vip, 'secret')
      const before = parseIp(packet.subarray(ETHERNET))
      const after = sent(packet)
      expect(after.destination).toBe(method === 'DR' ? vip : server)
      expect(after.ttl).toBe(63)
      const inner = method === 'TUN' ? parseIp(after.payload) : after
      expect([inner.protocol, Buffer.from(inner.payload)]).toEqual([before.protocol, Buffer.from(before.payload)])
    }
    expect(bench.counters('service').inPackets).toBe(3n)
  })

  test('NAT: and back; each packet keeps the connection alive', () => {
    serve(family, { method: 'NAT' })
    const server = sent(udp(exchange)).destination
    const esp = ipsec('ESP', CLIENT[family], vip, 'secret')
    expect(sent(ipsec('ESP', server, CLIENT[family], 'answer')).source).toBe(vip)
    bench.wait(299)
    sent(esp)
    bench.wait(299)
    expect(sent(esp).destination).toBe(server)
    bench.wait(301)
    expect(sent(esp).destination).toBe(vip) // nobody's any more
  })

  test("without a key exchange it is not ours, and another client's is another's", () => {
    serve(family, { method: 'NAT' })
    expect(sent(ipsec('ESP', CLIENT[family], vip, 'secret')).destination).toBe(vip)
    sent(udp(exchange))
    const other = family === 'ipv4' ? '10.0.9.2' : '2001:db8:9::2'
    expect(sent(ipsec('AH', other, vip, 'secret')).destination).toBe(vip)
  })
})
