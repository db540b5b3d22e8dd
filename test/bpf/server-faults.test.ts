import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServerFaults } from '../../src/model/core-reading.ts'
import { Bench, type Family, NETWORK } from './bench.ts'
import { type Ends, FLAG, reverse, tcp, udp } from './packets.ts'

/** What servers fail to do for their clients, as far as packets tell. */
let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const client = (family: Family = 'ipv4', port = 40000): Ends => ({
  source: [family === 'ipv4' ? '10.0.9.1' : '2001:db8:9::1', port],
  destination: [NETWORK[family].vip, 80],
})

function faults(): ServerFaults {
  const [{ load } = { load: undefined }] = bench.core.destinations().values()
  if (load === undefined) throw new Error('no server')
  const { unanswered, refused, reset } = load
  return { unanswered, refused, reset }
}

/** Sends what opens a connection; returns the ends that the server sees. */
const open = (ends: Ends) => bench.send(tcp(ends, FLAG.syn)).packet.ends
const answer = (inside: Ends) => bench.send(tcp(reverse(inside), FLAG.syn | FLAG.ack))

describe.each(['ipv4', 'ipv6'] as const)('NAT, %s', (family) => {
  beforeEach(() => bench.serve([1], { family }))

  test('a client that asks again, once for each connection', () => {
    for (let i = 0; i < 4; i++) open(client(family))
    open(client(family, 40001))
    expect(faults()).toEqual({ unanswered: 1, refused: 0, reset: 0 })
    open(client(family, 40001))
    expect(faults().unanswered).toBe(2)
  })

  test('a server that refuses, and one that resets', () => {
    const refused = open(client(family))
    bench.send(tcp(reverse(refused), FLAG.rst | FLAG.ack))
    expect(faults()).toEqual({ unanswered: 0, refused: 1, reset: 0 })
    const inside = open(client(family, 40001))
    answer(inside)
    bench.send(tcp(client(family, 40001), FLAG.ack))
    bench.send(tcp(reverse(inside), FLAG.rst))
    expect(faults()).toEqual({ unanswered: 0, refused: 1, reset: 1 })
  })

  test('what ends well, and what the client resets, is no fault', () => {
    const inside = open(client(family))
    answer(inside)
    bench.send(tcp(client(family), FLAG.ack))
    bench.send(tcp(client(family), FLAG.fin | FLAG.ack))
    bench.send(tcp(reverse(inside), FLAG.fin | FLAG.ack))
    bench.send(tcp(reverse(inside), FLAG.rst))
    open(client(family, 40001))
    bench.send(tcp(client(family, 40001), FLAG.rst))
    expect(faults()).toEqual({ unanswered: 0, refused: 0, reset: 0 })
  })
})

test('by DR only clients tell', () => {
  bench.serve([1], { forwarding: { method: 'DR' } })
  open(client())
  bench.send(tcp(client(), FLAG.ack))
  expect(faults().unanswered).toBe(0)
  open(client('ipv4', 40001))
  open(client('ipv4', 40001))
  expect(faults()).toEqual({ unanswered: 1, refused: 0, reset: 0 })
})

test('a flood that waits for no answer is not the server’s fault, nor are datagrams', () => {
  bench.serve([1])
  for (let port = 1024; port < 1524; port++) open(client('ipv4', port))
  bench.serve([1], { protocol: 'UDP' })
  for (let i = 0; i < 5; i++) bench.send(udp(client()))
  expect([...bench.core.destinations().values()].map(({ load }) => load.unanswered)).toEqual([0, 0])
})

test('a server that comes to the place of another one begins anew', () => {
  bench.serve([1])
  open(client())
  open(client())
  bench.core.apply({ services: [] }, new Map(), false)
  bench.wait(4000)
  bench.core.sweep()
  bench.core.sweep()
  bench.serve([1], { port: 8081 })
  expect([...bench.core.destinations().values()].filter(({ dest }) => dest.state === 'present')).toMatchObject([
    { load: { unanswered: 0 } },
  ])
})
