/**
 * Small packets on one core: what a packet of 64 bytes costs the director, from the moment that it comes in until it is
 * handed to the server's link. The frames are made by XDP in the client's interface, on the same core; that share is
 * measured alone and taken off. Plain routing, nftables, and Tanist by tc and by XDP; then Tanist with more services, servers
 * and connections.
 *
 *     npm run bench:packets [ROUNDS] [PACKETS]
 */
import { DirectorHost } from '../support/director.ts'
import { compileFrames, FrameCounter, generatorCommand, linkOf, wire } from '../support/frames.ts'
import { Lab } from '../support/lab.ts'

const rounds = Number(process.argv[2] ?? 5)
const packets = Number(process.argv[3] ?? 1_000_000)
const CORE = '1'
const SERVER = '192.168.10.11'
const VIP = '172.18.100.6'
const SYN = 2
const ACK = 16
const FLOWS = 64
/** Connections that are opened for the cost of one. */
const NEW = 300_000

const lab = new Lab()
const object = compileFrames(lab)

function build(): void {
  for (const host of ['client', 'director', 'server']) lab.addHost(host, [])
  // Cables without a switch: every nanosecond counts here.
  wire(lab, 'client', '172.18.0.10/16', 'director', 'eth0', '172.18.100.1/16')
  wire(lab, 'server', `${SERVER}/24`, 'director', 'eth1', '192.168.10.254/24')
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'])
  // The frames' sources are anywhere; nothing answers to them.
  lab.run('director', ['ip', 'route', 'add', '10.0.0.0/8', 'via', '172.18.0.10'])
  lab.run('director', ['ip', 'route', 'add', '10.128.0.0/16', 'via', SERVER])
  // What comes in must be taken up in bursts, as a card's driver does it.
  lab.run('director', ['ethtool', '-K', 'eth0', 'gro', 'on'])
  lab.run('director', ['ip', 'neighbour', 'replace', SERVER, 'lladdr', mac('server', 'eth0'), 'dev', 'eth1'])
  lab.run('director', ['ip', 'neighbour', 'replace', '172.18.0.10', 'lladdr', mac('client', 'eth0'), 'dev', 'eth0'])
}

const mac = (host: string, device: string) => linkOf(lab, host, device).address

/** Sends frames through the director. Returns nanoseconds a packet, the generator's share and all. */
function send(destination: string, flags: number, flows: number, count: number, first = 0): number {
  const frames = { object, to: mac('director', 'eth0'), destination, flags, flows, packets: count, first }
  const took = lab.run('client', ['taskset', '-c', CORE, ...generatorCommand(lab, 'client', 'eth0', frames)])
  return Number(took) / count
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

interface Load {
  readonly services: number
  readonly servers: number
  readonly scheduler?: string
}

/** The service that is measured, and others; its servers are all behind one gateway. */
function config(method: string, { services, servers, scheduler = 'rr' }: Load, xdp: boolean): string {
  const pool = (count: number, subnet: number) =>
    Array.from({ length: count }, (_, i) => {
      const address = count === 1 ? SERVER : `10.128.${subnet + (i >> 8)}.${i & 255}`
      return `  real_server ${address} 80 {\n  }\n`
    }).join('')
  const service = (address: string, body: string) => `virtual_server ${address} 80 {
  lb_algo ${scheduler}
  lb_kind ${method}
  protocol TCP
${body}}
`
  const others = Array.from({ length: services - 1 }, (_, i) =>
    service(`172.19.${i >> 8}.${i & 255}`, pool(3, 128 + (i >> 8))),
  )
  const interfaces = xdp ? 'global_defs {\n  xdp_interfaces {\n    eth0\n    eth1\n  }\n}\n' : ''
  return `${interfaces}${service(VIP, pool(servers, 0))}${others.join('')}`
}

interface Measured {
  readonly ns: number
  readonly lost: number
}

/** Established connections whose packets go through the director. */
async function known(sink: FrameCounter, destination: string, begun = true): Promise<Measured> {
  if (begun) send(destination, SYN, FLOWS, FLOWS)
  send(destination, ACK, FLOWS, FLOWS * 2)
  const before = await sink.count()
  const ns = send(destination, ACK, FLOWS, packets)
  return { ns, lost: packets - ((await sink.count()) - before) }
}

interface Mode {
  readonly name: string
  readonly destination: string
  /** conntrack takes up a connection in its midst, but not after a SYN that nobody answered. */
  readonly midway?: true
  run<T>(measure: () => Promise<T>): Promise<T>
}

const tanist = (name: string, method: string, xdp: boolean): Mode => ({
  name,
  destination: VIP,
  async run(measure) {
    const director = new DirectorHost(lab, 'director', config(method, { services: 1, servers: 1 }, xdp))
    await director.start()
    try {
      return await measure()
    } finally {
      await director.stop()
    }
  },
})

const modes: readonly Mode[] = [
  { name: 'plain routing', destination: SERVER, run: (measure) => measure() },
  tanist('Tanist NAT, tc', 'NAT', false),
  tanist('Tanist DR, tc', 'DR', false),
  tanist('Tanist NAT, XDP', 'NAT', true),
  tanist('Tanist DR, XDP', 'DR', true),
  {
    name: 'nftables DNAT',
    destination: VIP,
    midway: true,
    async run(measure) {
      const dnat = `add table ip bench; add chain ip bench pre { type nat hook prerouting priority -100; };
        add rule ip bench pre ip daddr ${VIP} dnat to ${SERVER}`
      lab.run('director', ['nft', dnat])
      try {
        return await measure()
      } finally {
        lab.run('director', ['nft', 'delete', 'table', 'ip', 'bench'])
      }
    },
  },
]

async function compare(generator: number, sink: FrameCounter): Promise<void> {
  const results = new Map<string, Measured[]>(modes.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const mode of [...modes.slice(round % modes.length), ...modes.slice(0, round % modes.length)]) {
      results.get(mode.name)?.push(await mode.run(() => known(sink, mode.destination, mode.midway !== true)))
    }
  }
  const plain = results.get('plain routing') ?? []
  console.log(`${'ns a packet (median)'.padEnd(24)}ratio   without the generator's share   lost`)
  for (const [name, values] of results) {
    const ratio = (share: number) => median(values.map(({ ns }, i) => ((plain[i]?.ns ?? 0) - share) / (ns - share)))
    const lost = values.reduce((sum, value) => sum + value.lost, 0)
    const ns = median(values.map((value) => value.ns)).toFixed(0)
    console.log(
      `${name.padEnd(18)}${ns.padStart(5)} ${ratio(0).toFixed(2).padStart(6)}${ratio(generator).toFixed(2).padStart(20)}${String(lost).padStart(18)}`,
    )
  }
}

/** Of the table of the core: this many connections of others. */
interface Case extends Load {
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

async function grow(sink: FrameCounter): Promise<void> {
  console.log(
    '\nTanist NAT, tc: services, servers, connections, scheduler; ns a packet of 64 connections, ns a new connection',
  )
  for (const each of CASES) {
    const args = ['--max-connections', '2000000']
    const director = new DirectorHost(lab, 'director', config('NAT', each, false), args)
    await director.start()
    send(VIP, SYN, each.connections, each.connections)
    const opened = send(VIP, SYN, each.connections + NEW, NEW, each.connections)
    const values: number[] = []
    for (let round = 0; round < rounds; round++) values.push((await known(sink, VIP)).ns)
    await director.stop()
    const { services, servers, connections, scheduler = 'rr' } = each
    console.log(
      `${[services, servers, connections].map((n) => String(n).padStart(8)).join('')}${scheduler.padStart(5)}${median(values).toFixed(0).padStart(8)}${opened.toFixed(0).padStart(8)}`,
    )
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  build()
  const nearby = await FrameCounter.start(lab, object, 'director', 'eth0', 'sink')
  const generator = median(Array.from({ length: rounds }, () => send(VIP, ACK, FLOWS, packets)))
  console.log(`the generator alone: ${generator.toFixed(0)} ns a packet`)
  await nearby.stop()
  const sink = await FrameCounter.start(lab, object, 'server', 'eth0', 'sink')
  await compare(generator, sink)
  await grow(sink)
} finally {
  lab.destroy()
}
