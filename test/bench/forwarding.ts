/**
 * Forwarding speed, side by side in one run on the same namespaces: plain kernel routing, Tanist with NAT and DR, the least
 * that a program on tc can do for NAT (bare.bpf.c), nftables DNAT, HAProxy (mode tcp) and nginx (stream). Bulk TCP,
 * keep-alive HTTP and one connection for each request; bulk SCTP where the kernel has it. The modes take turns in each round, and each is compared with the
 * plain routing of its own round.
 *
 *     npm run bench [ROUNDS] [SECONDS] [MEASURE]
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ipv4 } from '../../src/net/ipv4.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { buildPair } from '../support/pair.ts'
import { WebServer } from '../support/web.ts'
import { attachBare, detachBare } from './bare.ts'
import { idleCost, type IdleCost } from './idle.ts'
import { median } from './median.ts'

const SERVER = '192.168.10.11' as Ipv4
const VIP = '172.18.100.6' as Ipv4
const DR_VIP = '172.18.100.7'
/** A server beside the clients: its answers do not pass the director. */
const BESIDE = '172.18.0.11'
const DIRECTOR = '172.18.100.1'
const BULK_PORT = 5201

const rounds = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 3)

interface Mode {
  readonly name: string
  /** Where the client connects to. */
  readonly address: string
  /** Whether SCTP gets through. */
  readonly sctp: boolean
  start(): Promise<void>
  stop(): Promise<void>
}

const allMeasures = ['bulk', 'keep-alive', 'per-connection', 'sctp'] as const
type Measure = (typeof allMeasures)[number]
/** Not where the kernel has no SCTP, or its module is not loaded. */
const hasSctp = existsSync('/proc/net/sctp')
const measures = allMeasures.filter(
  (what) => (process.argv[4] === undefined || what === process.argv[4]) && (what !== 'sctp' || hasSctp),
)
const units: Record<Measure, string> = {
  bulk: 'Gbit/s',
  'keep-alive': 'requests/s',
  'per-connection': 'requests/s',
  sctp: 'Gbit/s',
}

const lab = new Lab()

/** Client and servers on one core each, as far as there are two; the director's softirq work runs where it is caused. */
const pin = (core: number, command: readonly [string, ...string[]]): [string, ...string[]] => [
  'taskset',
  '-c',
  String(Math.min(core, cpus().length - 1)),
  ...command,
]

function build(): void {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '172.18.0.10/16' }], DIRECTOR)
  lab.addHost('director', [
    { switch: 'outside', address: `${DIRECTOR}/16` },
    { switch: 'inside', address: '192.168.10.254/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.addHost('server', [{ switch: 'inside', address: `${SERVER}/24` }], '192.168.10.254')
  lab.addHost('beside', [{ switch: 'outside', address: `${BESIDE}/16` }])
  lab.run('beside', [new URL('../../conf/real-server-dr.sh', import.meta.url).pathname, 'start', DR_VIP])
}

const service = (vip: string, port: number, method: 'NAT' | 'DR', protocol = 'TCP') => `virtual_server ${vip} ${port} {
  lb_algo rr
  lb_kind ${method}
  protocol ${protocol}
  real_server ${method === 'NAT' ? SERVER : BESIDE} ${port} {
    weight 1
  }
}
`
const services = [
  ...[80, BULK_PORT].flatMap((port) => [service(VIP, port, 'NAT'), service(DR_VIP, port, 'DR')]),
  // iperf3 has a TCP connection beside the association.
  ...(measures.includes('sctp')
    ? [service(VIP, BULK_PORT, 'NAT', 'SCTP'), service(DR_VIP, BULK_PORT, 'DR', 'SCTP')]
    : []),
]
const tanistConfig = `${services.join('')}vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority 255
  virtual_ipaddress {
    ${VIP}/32
    ${DR_VIP}/32
  }
}
`

function addVip(): void {
  lab.run('director', ['ip', 'address', 'replace', `${VIP}/32`, 'dev', 'eth0'])
}

function removeVip(): void {
  lab.run('director', ['ip', 'address', 'delete', `${VIP}/32`, 'dev', 'eth0'])
}

const director = new DirectorHost(lab, 'director', tanistConfig, ['--grace', '0'])

/** A proxy on the director that listens on the virtual IP. */
function proxy(name: string, file: string, text: string, command: readonly [string, ...string[]]): Mode {
  const path = join(lab.directory, file)
  writeFileSync(path, text)
  let child: ReturnType<Lab['start']> | undefined
  return {
    name,
    address: VIP,
    sctp: false,
    start: async () => {
      addVip()
      child = lab.start('director', [...command, path])
      await until(`${name} to listen`, () => lab.run('director', ['ss', '-Hltn']).includes(`${VIP}:80`))
    },
    stop: async () => {
      child?.kill('SIGKILL')
      await sleep(200)
      removeVip()
    },
  }
}

function tanist(name: string, address: string): Mode {
  return {
    name,
    address,
    sctp: true,
    start: async () => {
      await director.start()
      await director.untilState('master')
    },
    stop: () => director.stop(),
  }
}

const modes: readonly Mode[] = [
  { name: 'plain routing', address: SERVER, sctp: true, start: async () => {}, stop: async () => {} },
  tanist('Tanist NAT', VIP),
  tanist('Tanist DR', DR_VIP),
  {
    name: 'bare rewrite',
    address: VIP,
    sctp: false,
    start: async () => {
      addVip()
      attachBare(lab, VIP, SERVER)
    },
    stop: async () => {
      detachBare(lab)
      removeVip()
    },
  },
  {
    name: 'nftables DNAT',
    address: VIP,
    sctp: true,
    start: async () => {
      addVip()
      const dnat = `add table ip bench; add chain ip bench pre { type nat hook prerouting priority -100; };
        add rule ip bench pre ip daddr ${VIP} dnat to ${SERVER}`
      lab.run('director', ['nft', dnat])
    },
    stop: async () => {
      lab.run('director', ['nft', 'delete', 'table', 'ip', 'bench'])
      removeVip()
    },
  },
  proxy(
    'HAProxy',
    'haproxy.cfg',
    `defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen http
  bind ${VIP}:80
  server s ${SERVER}:80
listen bulk
  bind ${VIP}:${BULK_PORT}
  server s ${SERVER}:${BULK_PORT}
`,
    ['haproxy', '-f'],
  ),
  proxy(
    'nginx stream',
    'stream.conf',
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
pid ${lab.directory}/stream.pid;
worker_processes auto;
events { worker_connections 8192; }
stream {
  server { listen ${VIP}:80; proxy_pass ${SERVER}:80; }
  server { listen ${VIP}:${BULK_PORT}; proxy_pass ${SERVER}:${BULK_PORT}; }
}
`,
    ['nginx', '-e', '/dev/null', '-c'],
  ),
]

function measure(what: Measure, address: string): number {
  if (what === 'bulk' || what === 'sctp') {
    const protocol = what === 'sctp' ? ['--sctp'] : []
    const output = lab.run(
      'client',
      pin(0, ['iperf3', '-J', ...protocol, '-c', address, '-t', String(seconds), '-O', '1']),
    )
    const result = JSON.parse(output) as { end: { sum_received: { bits_per_second: number } } }
    return result.end.sum_received.bits_per_second / 1e9
  }
  const close = what === 'per-connection' ? ['-H', 'Connection: close'] : []
  const url = `http://${address}/1k`
  const output = lab.run('client', pin(0, ['wrk', '-t1', '-c64', `-d${seconds}s`, ...close, url]))
  const failed = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)
  // wrk counts a server's own close as a read error when it asked for it.
  if (failed !== null && Number(failed[1]) + Number(failed[4]) > 0) process.stderr.write(`${failed[0]}\n`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? Number.NaN)
}

const results = new Map<string, number[]>()
const key = (mode: string, what: Measure) => `${mode} ${what}`

async function run(): Promise<IdleCost> {
  build()
  for (const host of ['server', 'beside']) {
    await new WebServer(lab, host).start()
    lab.start(host, pin(1, ['iperf3', '-s', '-p', String(BULK_PORT)]))
  }
  await sleep(500)
  for (let round = 1; round <= rounds; round++) {
    // Each round begins with another mode, so that none is always measured on a rested or a tired machine.
    for (const mode of [...modes.slice(round % modes.length), ...modes.slice(0, round % modes.length)]) {
      await mode.start()
      for (const what of measures) {
        if (what === 'sctp' && !mode.sctp) continue
        const value = measure(what, mode.address)
        results.set(key(mode.name, what), [...(results.get(key(mode.name, what)) ?? []), value])
      }
      await mode.stop()
    }
    process.stdout.write(`round ${round} of ${rounds} is done\n`)
  }
  return exampleIdleCost()
}

/** The active director of the demo's NAT pair, with its checks each second and nothing else going on. */
async function exampleIdleCost(): Promise<IdleCost> {
  const pair = await buildPair('nat')
  try {
    await pair.directors[0].start()
    await pair.directors[0].untilState('master')
    await sleep(10_000) // starting is not idling
    return await idleCost(pair.directors[0], 30)
  } finally {
    pair.lab.destroy()
  }
}

function report(idle: IdleCost): void {
  const rows = modes.map(({ name }) => {
    const cells = measures.map((what) => {
      const values = results.get(key(name, what)) ?? []
      const plain = results.get(key('plain routing', what)) ?? []
      return { median: median(values), ratio: median(values.map((value, i) => value / (plain[i] ?? Number.NaN))) }
    })
    return { name, cells }
  })
  process.stdout.write(`\n${'median (ratio to plain routing)'.padEnd(18)}\n${''.padEnd(16)}`)
  process.stdout.write(`${measures.map((what) => `${what}, ${units[what]}`.padEnd(28)).join('')}\n`)
  if (!hasSctp) process.stdout.write('SCTP is not measured: `modprobe sctp` gives it to a kernel that has it\n')
  for (const { name, cells } of rows) {
    const text = cells.map((cell) => {
      const isMeasured = !Number.isNaN(cell.median)
      const digits = cell.median < 100 ? 2 : 0
      return (isMeasured ? `${cell.median.toFixed(digits)} (${cell.ratio.toFixed(2)})` : '-').padEnd(28)
    })
    process.stdout.write(`${name.padEnd(16)}${text.join('')}\n`)
  }
  process.stdout.write(`\nidle: ${(idle.cpu * 100).toFixed(2)} % of a core; memory (resident, MiB): `)
  process.stdout.write(`${idle.memory.map(({ role, mebibytes }) => `${role} ${mebibytes.toFixed(0)}`).join(', ')}\n`)
  mkdirSync('bench-results', { recursive: true })
  const file = `bench-results/forwarding-${new Date().toISOString().replaceAll(':', '')}.json`
  const machine = { kernel: release(), cores: cpus().length, model: cpus()[0]?.model }
  writeFileSync(
    file,
    JSON.stringify({ machine, rounds, seconds, rows, raw: Object.fromEntries(results), idle }, undefined, 2),
  )
  process.stdout.write(`written to ${file}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  report(await run())
} finally {
  lab.destroy()
}
