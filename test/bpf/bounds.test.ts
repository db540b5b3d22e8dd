import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PlannedService } from '../../src/balance/plan.ts'
import { LONGEST_SEQUENCE } from '../../src/balance/wrr.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import { CHUNK, MAX_DESTS, MAX_SERVICES } from '../../src/forward/ebpf/layout/bounds.ts'
import { Bench, hopsTo, NAME, REDIRECT } from './bench.ts'
import { aService, manyServices } from './many-services.ts'
import { address, type Ends, FLAG, tcp } from './packets.ts'

/** As many services and servers as there can be. */
let bench: Bench
beforeEach(() => {
  bench = new Bench({}) // to empty a program of so many tables would take minutes: the kernel waits for packets with each
})
afterEach(() => bench.close())

function apply(services: readonly PlannedService[]) {
  const hops = hopsTo(services, (neighbour) => ({ ifindex: 1, neighbour, mtu: 1500, source: address('10.255.0.1') }))
  return bench.core.apply({ services }, hops)
}

/** Which server a new connection to a service gets. */
function server(service: PlannedService | undefined, port: number): string {
  if (service?.id.by !== 'address') throw new Error('no service by address')
  const { vip } = service.id
  const ends: Ends = { source: ['10.9.9.9', port], destination: [vip.address, vip.port] }
  const { verdict, packet } = bench.send(tcp(ends, FLAG.syn))
  expect(verdict).toBe(REDIRECT)
  return packet.ends.destination.join(' ')
}
const names = (service: PlannedService | undefined) =>
  service?.destinations.map(({ endpoint }) => `${endpoint.address} ${endpoint.port}`)

describe(`${MAX_SERVICES} services with ${MAX_DESTS} servers in all`, () => {
  const services = manyServices(MAX_SERVICES, MAX_DESTS / MAX_SERVICES)

  test('go in, serve, are counted, and are taken over; one more of either is refused, and changes nothing', () => {
    const before = bench.memory()
    const begun = performance.now()
    apply(services)
    const loaded = performance.now()
    console.log(
      `${services.length} services, ${MAX_DESTS} servers: put in in ${Math.round(loaded - begun)} ms; ` +
        `maps had ${mebibytes(before)} MiB, and have ${mebibytes(bench.memory())} MiB`,
    )
    expect([bench.core.services().length, bench.core.destinations().size]).toEqual([MAX_SERVICES, MAX_DESTS])

    const [first, last] = [services[0], services.at(-1)]
    for (const [i, service] of [first, services[CHUNK], last].entries()) {
      const got = Array.from({ length: 4 }, (_, port) => server(service, 1000 + 10 * i + port))
      expect(got.toSorted()).toEqual(names(service)?.toSorted())
    }
    const slots = [0, MAX_DESTS - 1]
    expect([...bench.core.counters('dest', slots).values()].map(({ connections }) => connections)).toEqual([1n, 1n])
    expect(bench.core.counters('service', [MAX_SERVICES - 1]).get(MAX_SERVICES - 1)?.connections).toBe(4n)

    const adopting = performance.now()
    const next = new Core(NAME)
    try {
      expect([next.adopted, next.destinations().size]).toEqual([true, MAX_DESTS])
      expect(next.counters('dest', [MAX_DESTS - 1]).get(MAX_DESTS - 1)?.inPackets).toBe(1n)
      console.log(`taken over in ${Math.round(performance.now() - adopting)} ms`)
    } finally {
      next.close()
    }

    const again = performance.now()
    expect(apply(services).writes).toEqual([])
    console.log(`the same again in ${Math.round(performance.now() - again)} ms`)

    expect(() => apply([...services, aService(MAX_SERVICES, 0)])).toThrow(
      `the forwarding core holds at most ${MAX_SERVICES} services`,
    )
    const withOneMore = [...services.slice(0, -1), aService(MAX_SERVICES - 1, 5)]
    expect(() => apply(withOneMore)).toThrow(`the forwarding core holds at most ${MAX_DESTS} real servers`)
    expect(apply(services).writes).toEqual([])
  })
})

test('a service has as many servers as a table has entries; one more is refused', () => {
  const full = aService(0, LONGEST_SEQUENCE)
  apply([full])
  expect(bench.core.destinations().size).toBe(LONGEST_SEQUENCE)
  expect(server(full, 1000)).toMatch(/^10\./)
  // As long as one can serve it is found, also behind all others.
  const [only] = full.destinations
  apply([{ ...full, destinations: full.destinations.map((each) => (each === only ? each : { ...each, weight: 0 })) }])
  for (const port of [1001, 1002]) expect(server(full, port)).toBe(names(full)?.[0])
  expect(() => apply([aService(0, LONGEST_SEQUENCE + 1)])).toThrow(
    `the forwarding core holds at most ${LONGEST_SEQUENCE} real servers of one service`,
  )
})

test('memory is taken for servers when there are some, and only once', () => {
  const before = bench.memory()
  apply(manyServices(1, 100))
  const few = bench.memory()
  expect(few - before).toBeLessThan(100_000)
  apply(manyServices(2, CHUNK))
  const more = bench.memory()
  expect(more - few).toBeGreaterThan(CHUNK * 200)
  apply(manyServices(1, 100))
  apply(manyServices(2, CHUNK))
  expect(bench.memory()).toBeLessThan(more + 100_000)
})

const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
