import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import { Bench, client, NAME, PASS, REDIRECT, VIP } from './bench.ts'
import { address, FLAG, tcp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const persistence = { timeoutSeconds: 360, clientPrefix: 32 }
const servers = (weights: readonly number[], port = 8080, forwarding: Forwarding = { method: 'NAT' }) =>
  weights.map((weight, i) => ({
    endpoint: { address: address(`192.168.1.${11 + i}`), port },
    forwarding,
    weight,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))

describe('expire_nodest_conn', () => {
  const opened = (expireNodestConn: boolean) => {
    bench.serve([1, 1])
    bench.setSwitches({ expireNodestConn })
    expect(bench.pick(1)).toBe('B')
    bench.send(tcp(client(1), FLAG.ack))
  }

  test('a connection of a removed server is over at its next packet, which goes to the stack', () => {
    opened(true)
    bench.serve([1])
    expect(bench.send(tcp(client(1), FLAG.ack)).verdict).toBe(PASS)
    expect([...bench.core.connections()]).toEqual([])
    expect(bench.pick(1)).toBe('A')
  })

  test('it stays on while another daemon takes the core over', () => {
    opened(true)
    bench.serve([1])
    const next = new Core(NAME)
    try {
      expect(bench.send(tcp(client(1), FLAG.ack)).verdict).toBe(PASS)
    } finally {
      next.close()
    }
  })

  test.each([
    [true, 0],
    [false, 1],
  ])('on: %s: the sweep leaves %i of them', (on, left) => {
    opened(on)
    bench.serve([1])
    bench.core.sweep()
    expect([...bench.core.destinations().values()].filter(({ dest }) => dest.state === 'removed')).toHaveLength(left)
  })

  test.each([
    [true, 'A'],
    [false, 'B'],
  ])('on: %s: a client that opens a connection to a quiesced server anew gets server %s', (on, server) => {
    opened(on)
    bench.serve([1, 0])
    expect(bench.send(tcp(client(1), FLAG.ack)).verdict).toBe(REDIRECT)
    expect(bench.pick(1)).toBe(server)
  })
})

describe('expire_quiescent_template', () => {
  const lay = (weights: readonly number[]) => bench.lay(servers(weights), { scheduler: 'rr', persistence })

  test.each([
    [true, 'A'],
    [false, 'B'],
  ])('on: %s: a client of a quiesced server gets server %s', (expireQuiescentTemplate, server) => {
    bench.setSwitches({ expireQuiescentTemplate })
    lay([1, 1])
    expect(bench.pick(1)).toBe('B')
    lay([1, 0])
    expect(bench.pick(2)).toBe(server)
    // Its connections go on.
    expect(bench.send(tcp(client(1), FLAG.ack)).packet.ends.destination[0]).toBe('192.168.1.12')
  })

  test('what the first template has let in does not count for the second one', () => {
    bench.setSwitches({ expireQuiescentTemplate: true })
    lay([1, 1])
    expect(bench.pick(1)).toBe('B')
    lay([1, 0])
    expect(bench.pick(2)).toBe('A')
    bench.send(tcp(client(2), FLAG.ack)) // established: 900 s
    bench.wait(61).core.sweep() // the first connection ends
    bench.wait(400).core.sweep()
    // The second one still holds the template.
    expect([...bench.core.connections()].filter(({ client: { port } }) => port === 0)).toHaveLength(1)
  })
})

describe('FTP', () => {
  const DIRECT: Forwarding = { method: 'DR' }
  const to = (port: number, from = 1) => tcp({ source: ['10.0.9.1', from], destination: [VIP, port] }, FLAG.syn)

  test.each([20, 1024, 40_000])('data to port %i go to the server that has the control connection', (port) => {
    bench.lay(servers([1, 1, 1], 2121), { scheduler: 'rr', persistence, port: 21 })
    const control = bench.send(to(21)).packet.ends.destination
    expect(control[1]).toBe(2121)
    const data = bench.send(to(port, 2)).packet.ends.destination
    expect(data).toEqual([control[0], port])
    expect([...bench.core.connections()].some(({ destination }) => destination.port === port)).toBe(true)
    const back = tcp({ source: data, destination: ['10.0.9.1', 2] }, FLAG.syn | FLAG.ack)
    expect(bench.send(back).packet.ends.source).toEqual([VIP, port])
  })

  test('other ports are not ours; nor are any without persistence', () => {
    bench.lay(servers([1], 21, DIRECT), { scheduler: 'rr', persistence, port: 21 })
    expect(bench.send(to(1023)).verdict).toBe(PASS)
    bench.lay(servers([1], 21, DIRECT), { scheduler: 'rr', port: 21 })
    expect(bench.send(to(40_000)).verdict).toBe(PASS)
  })
})
