import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatTrace } from '../../src/cli/trace.ts'
import { traceFrame } from '../../src/forward/ebpf/trace.ts'
import type { TracePacket } from '../../src/model/trace.ts'
import { Bench, type Family, NETWORK } from './bench.ts'
import { address, FLAG, parse, tcp } from './packets.ts'

const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const packet = (change: Partial<TracePacket> = {}, family: Family = 'ipv4'): TracePacket => ({
  protocol: 'TCP',
  client: { address: address(CLIENT[family]), port: 40_000 },
  virtual: { address: address(NETWORK[family].vip), port: 80 },
  ...change,
})

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const trace = (of: TracePacket, mark = 0) => bench.core.trace(traceFrame(of), mark)
const shown = (of: TracePacket) => formatTrace(of, trace(of))

test('a made packet is a right one', () => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const protocol of ['TCP', 'UDP'] as const) {
      const ends = { source: [CLIENT[family], 40_000], destination: [NETWORK[family].vip, 80] }
      expect(parse(traceFrame(packet({ protocol }, family)))).toMatchObject({
        ends,
        protocol: protocol === 'TCP' ? 6 : 17,
      })
    }
  }
})

test('what would happen happens then, and nothing has come of asking', () => {
  bench.serve([1, 1, 1])
  expect(shown(packet())).toBe(`packet     TCP [10.0.9.1]:40000 to [10.0.0.100]:80
outcome    forwarded
service    [10.0.0.100]:tcp:80
server     [192.168.1.13]:8080 by NAT
next hop   192.168.1.13 on interface 1
chosen by  scheduler
leaves as  TCP [10.0.9.1]:40000 to [192.168.1.13]:8080, TTL 63
`)
  expect(trace(packet())).toEqual(trace(packet()))
  expect([...bench.core.connections()]).toEqual([])
  expect(bench.counters('service')).toMatchObject({ connections: 0n, inPackets: 0n })
  expect([bench.pick(1), bench.pick(2)]).toEqual(['C', 'B'])
  expect(trace(packet()).server?.endpoint.address).toBe('192.168.1.11')
})

test('an existing connection, and its answer', () => {
  bench.serve([1, 1])
  bench.send(tcp({ source: ['10.0.9.1', 40_000], destination: [NETWORK.ipv4.vip, 80] }, FLAG.syn))
  expect(trace(packet())).toMatchObject({ outcome: 'forwarded', rule: 'connection' })
  const answer = packet({
    client: { address: address('192.168.1.12'), port: 8080 },
    virtual: { address: address('10.0.9.1'), port: 40_000 },
  })
  expect(trace(answer)).toMatchObject({ rule: 'reply', leaves: [{ source: NETWORK.ipv4.vip, ports: [80, 40_000] }] })
})

test('a template; a mark; nobody’s packet; no server; a removed one', () => {
  const server = {
    endpoint: { address: address('192.168.1.11'), port: 0 },
    forwarding: { method: 'DR' as const },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }
  const id = { by: 'fwmark', mark: 7, family: 'inet' } as const
  const persistence = { timeoutSeconds: 60, clientPrefix: 32 }
  bench.lay([server], { scheduler: 'rr', id, persistence })
  expect(trace(packet()).outcome).toBe('stack')
  expect(trace(packet(), 7)).toMatchObject({ outcome: 'forwarded', rule: 'scheduler' })
  bench.send(tcp({ source: ['10.0.9.1', 1], destination: [NETWORK.ipv4.vip, 80] }, FLAG.syn), 7)
  expect(trace(packet(), 7)).toMatchObject({ rule: 'template', server: { service: id } })
  bench.serve([])
  const refused = trace(packet())
  expect(refused).toMatchObject({ outcome: 'refused', server: undefined, leaves: [{ protocol: 1 }] })
  expect(bench.core.drops()['no-destination']).toBe(0n)
})

test('through a tunnel: what is without and what is within', () => {
  for (const tunnel of [
    { type: 'ipip' },
    { type: 'gre', checksum: true },
    { type: 'gue', port: 6080, checksum: false },
  ] as const) {
    bench.serve([1], { family: 'ipv6', serverFamily: 'ipv4', forwarding: { method: 'TUN', tunnel }, port: 80 })
    const { leaves } = trace(packet({}, 'ipv6'))
    expect(leaves).toMatchObject([
      { source: '192.168.1.1', destination: '192.168.1.11' },
      { source: CLIENT.ipv6, destination: NETWORK.ipv6.vip, ttl: 63, ports: [40_000, 80] },
    ])
  }
})
