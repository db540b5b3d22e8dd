/**
 * A table of a million connections: what one costs in memory, how long the sweep and the list take, and what a flood of SYNs
 * of ten times the table's size does to established connections. And a core with many services: how long it takes to put them in, and what
 * memory they take.
 *
 *     npm run bench:scale [CONNECTIONS]
 */
import type { PlannedService } from '../../src/balance/plan.ts'
import { MAX_DESTS, MAX_SERVICES } from '../../src/forward/ebpf/layout/bounds.ts'
import { Bench, hopsTo, VIP } from '../bpf/bench.ts'
import { aService, manyServices } from '../bpf/many-services.ts'
import { FLAG, tcp } from '../bpf/packets.ts'

const connections = Number(process.argv[2] ?? 1_000_000)
/** The flood is sent to a smaller table: it is ten times as long. */
const FLOODED = 131_072
const ESTABLISHED = 1000

/** A made packet whose client's address and port are written anew each time; the checksum does not matter here. */
class Clients {
  readonly #frame: Uint8Array
  readonly #view: DataView

  constructor(flags: number) {
    this.#frame = tcp({ source: ['10.0.0.0', 0], destination: [VIP, 80] }, flags)
    this.#view = new DataView(this.#frame.buffer)
  }

  /** The frame of one of 2^24 · 60 000 clients. */
  frame(i: number): Uint8Array {
    this.#view.setUint32(26, 0x0a000000 + Math.floor(i / 60_000))
    this.#view.setUint16(34, 1024 + (i % 60_000))
    return this.#frame
  }
}

const seconds = (start: number) => `${((performance.now() - start) / 1000).toFixed(1)} s`
const syn = new Clients(FLAG.syn)
const ack = new Clients(FLAG.ack)

function hold(): void {
  const bench = new Bench({ maxConnections: connections })
  try {
    bench.serve([1, 1, 1, 1])
    let start = performance.now()
    for (let i = 0; i < connections; i++) {
      bench.run(syn.frame(i))
      bench.run(ack.frame(i))
    }
    const [a] = bench.load('A')
    console.log(`${connections} connections opened in ${seconds(start)}; one of four servers has ${a}`)
    console.log(
      `memory: ${((bench.bytesOf('connections') + bench.bytesOf('replies')) / connections).toFixed(0)} bytes a connection, both directions of NAT`,
    )
    start = performance.now()
    bench.core.sweep()
    console.log(`a sweep that finds nothing to do: ${seconds(start)}`)
    start = performance.now()
    let listed = 0
    for (const connection of bench.core.connections()) if (connection.state === 'ESTABLISHED') listed++
    console.log(`listing: ${listed} in ${seconds(start)}`)
    bench.wait(1000)
    start = performance.now()
    bench.core.sweep()
    console.log(`a sweep that frees all of them: ${seconds(start)}; one of four servers has ${bench.load('A')[0]}`)
  } finally {
    bench.close()
  }
}

function flood(): void {
  const bench = new Bench({ maxConnections: FLOODED })
  try {
    bench.serve([1])
    const last = 10 * FLOODED + ESTABLISHED
    for (let i = 0; i < ESTABLISHED; i++) {
      bench.run(syn.frame(i))
      bench.run(ack.frame(i))
    }
    for (let i = ESTABLISHED; i < last; i++) {
      bench.run(syn.frame(i))
      if (i % 50_000 === 0) bench.core.sweep() // the daemon sweeps once a second and more
    }
    let alive = 0
    for (const { state, client } of bench.core.connections()) {
      if (state === 'ESTABLISHED' && client.address === '10.0.0.0' && client.port < 1024 + ESTABLISHED) alive++
    }
    const drops = bench.core.drops()
    console.log(
      `${10 * FLOODED} SYNs for a table of ${FLOODED}: ${alive} of ${ESTABLISHED} established connections are left; ` +
        `${drops['table-full']} SYNs refused, ${drops['half-open']} half-open connections dropped`,
    )
    if (alive !== ESTABLISHED) process.exitCode = 1
  } finally {
    bench.close()
  }
}

function fill(services: readonly PlannedService[]): void {
  const bench = new Bench({})
  try {
    const servers = services.reduce((sum, { destinations }) => sum + destinations.length, 0)
    const hops = hopsTo(services, (neighbour) => ({ ifindex: 1, neighbour, mtu: 1500, source: neighbour }))
    const before = bench.memory()
    let start = performance.now()
    bench.core.apply({ services }, hops)
    const put = seconds(start)
    start = performance.now()
    bench.core.apply({ services }, hops)
    console.log(
      `${services.length} services with ${servers} servers: put in in ${put}, the same again in ${seconds(start)}; ` +
        `${((bench.memory() - before) / 2 ** 20).toFixed(1)} MiB more than the ${(before / 2 ** 20).toFixed(1)} of an empty core`,
    )
  } finally {
    bench.close()
  }
}

hold()
flood()
fill(manyServices(100, 4))
fill([...manyServices(2276, 16), aService(2276, 37_205 - 2276 * 16)])
fill(manyServices(MAX_SERVICES, MAX_DESTS / MAX_SERVICES))
