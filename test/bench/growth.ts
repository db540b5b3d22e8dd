/**
 * Whether Tanist becomes slower with what it has: NAT by tc with more services, servers and connections of others in the table.
 * Real clients and a real server (iperf3, wrk, nginx) for bulk, keep-alive and one connection a request; made packets for
 * what a packet and a new connection cost.
 *
 *     npm run bench:growth [ROUNDS] [SECONDS] [MEASURE]
 */
import { DirectorHost } from '../support/director.ts'
import { FrameCounter } from '../support/frames.ts'
import { WebServer } from '../support/web.ts'
import { median } from './median.ts'
import { build, config, FLAG, known, lab, type Load, object, send, VIP } from './packet-lab.ts'

const rounds = Number(process.argv[2] ?? 3)
const seconds = process.argv[3] ?? '2'
/** Connections that are opened for the cost of one. */
const NEW = 300_000
const PACKETS = 1_000_000

interface Case extends Load {
  /** Of others, half-open. */
  readonly connections: number
}

const CASES: readonly Case[] = [
  { services: 1, servers: 4, connections: 1000 },
  { services: 100, servers: 4, connections: 1000 },
  { services: 1000, servers: 4, connections: 1000 },
  { services: 1, servers: 1000, connections: 1000 },
  { services: 1, servers: 4, connections: 1_000_000 },
  { services: 1000, servers: 1000, connections: 1_000_000 },
  { services: 1, servers: 4, connections: 1000, scheduler: 'wlc' },
  { services: 1, servers: 1000, connections: 1000, scheduler: 'wlc' },
]

const TITLES = {
  bulk: 'bulk, Gbit/s',
  'keep-alive': 'keep-alive, /s',
  'per-connection': 'per-connection, /s',
  packet: 'packet, ns',
  new: 'new, ns',
} as const
type Column = keyof typeof TITLES
const all: readonly Column[] = ['bulk', 'keep-alive', 'per-connection', 'packet', 'new']
const columns = all.filter((column) => process.argv[4] === undefined || column === process.argv[4])
const isMeasured = (column: Column) => columns.includes(column)

/** Four streams: with one alone much depends on how client and server happen to fall into step. */
function bulk(): number {
  const json = lab.run('client', ['taskset', '-c', '0', 'iperf3', '-J', '-c', VIP, '-P', '4', '-t', seconds, '-O', '1'])
  const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number } } }
  return end.sum_received.bits_per_second / 1e9
}

function requests(...more: readonly string[]): number {
  const wrk = ['taskset', '-c', '0', 'wrk', '-t1', '-c64', `-d${seconds}s`, ...more, `http://${VIP}/1k`] as const
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(lab.run('client', [...wrk]))?.[1] ?? Number.NaN)
}

async function measure(each: Case): Promise<Partial<Record<Column, number>>> {
  const director = new DirectorHost(lab, 'director', config('NAT', each, false), [
    '--max-connections',
    '2000000',
    '--grace',
    '0',
  ])
  await director.start()
  // Half-open connections last a minute.
  const fill = () => send(VIP, FLAG.syn, each.connections, each.connections)
  fill()
  const result: Partial<Record<Column, number>> = {}
  if (isMeasured('bulk')) result.bulk = bulk()
  if (isMeasured('keep-alive')) result['keep-alive'] = requests()
  if (isMeasured('per-connection')) result['per-connection'] = requests('-H', 'Connection: close')
  if (isMeasured('packet') || isMeasured('new')) {
    const sink = await FrameCounter.start(lab, object, 'server', 'eth0', 'sink')
    fill()
    result.new = send(VIP, FLAG.syn, each.connections + NEW, NEW, each.connections)
    result.packet = (await known(sink, VIP, PACKETS)).ns
    await sink.stop()
  }
  await director.stop()
  return result
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  build()
  await new WebServer(lab, 'server').start()
  lab.start('server', ['taskset', '-c', '1', 'iperf3', '-s'])
  const results = new Map<Case, Partial<Record<Column, number>>[]>(CASES.map((each) => [each, []]))
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another case, so that none is always measured on a rested or a tired machine.
    for (const each of [...CASES.slice(round % CASES.length), ...CASES.slice(0, round % CASES.length)]) {
      results.get(each)?.push(await measure(each))
    }
    console.log(`round ${round + 1} of ${rounds} is done`)
  }
  console.log('\nNAT by tc; medians, and in brackets the ratio to the first line of the same round')
  console.log(`services servers connections ${columns.map((column) => TITLES[column].padStart(18)).join('')}`)
  const first = results.get(CASES[0] ?? CASES[1] ?? { services: 0, servers: 0, connections: 0 }) ?? []
  for (const [{ services, servers, connections, scheduler = 'rr' }, values] of results) {
    const cells = columns.map((column) => {
      const value = median(values.map((one) => one[column] ?? Number.NaN))
      const ratio = median(values.map((one, i) => (one[column] ?? Number.NaN) / (first[i]?.[column] ?? Number.NaN)))
      return `${value.toFixed(value < 100 ? 1 : 0)} (${ratio.toFixed(2)})`.padStart(18)
    })
    const what = [services, servers, connections].map((n) => String(n).padStart(8)).join('')
    console.log(`${what} ${scheduler.padStart(4)}${cells.join('')}`)
  }
} finally {
  lab.destroy()
}
