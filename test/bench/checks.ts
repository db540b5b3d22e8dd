/**
 * What checks cost when there are many: 10 000 TCP_CHECKs, 1000 HTTP_GETs, 1000 SSL_GETs and 1000 PING_CHECKs every second by one
 * check process, one kind after the other; how late probes start, CPU and memory of the processes; and how regular the adverts of a
 * master on the same host are meanwhile. Packets are timed by the kernel where they leave the director. See docs/performance.md.
 *
 *     npm run bench:checks -- [--seconds 60] [--kinds none,TCP_CHECK,HTTP_GET,SSL_GET,PING_CHECK] [--count N]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MAX_DESTS } from '../../src/forward/ebpf/layout/bounds.ts'
import { DirectorHost, untilState } from '../support/director.ts'
import { cpuTicks } from './idle.ts'
import { addressOf, manyServers } from './many-servers.ts'
import { quantile } from '../../src/drill/quantiles.ts'
import { machine, machineText, writeResults } from './result-file.ts'
import { SentPackets } from './sent-times.ts'

/** Of each kind: how many, the port, and what the file says of each. `none`: the adverts of a director that checks nobody. */
const KINDS = {
  none: { count: 0, port: 80, inside: '' },
  TCP_CHECK: { count: 10_000, port: 80, inside: '' },
  HTTP_GET: { count: 1000, port: 80, inside: 'url { path /\n status_code 200\n }' },
  SSL_GET: { count: 1000, port: 443, inside: 'url { path /\n status_code 200\n }' },
  PING_CHECK: { count: 1000, port: 80, inside: '' },
} as const
type Kind = keyof typeof KINDS

const isKind = (text: string): text is Kind => text in KINDS

const DELAY_LOOP_MS = 1000
const ADVERT_MS = 100
/** Promised: so many of all probes start within this time. */
const IN_TIME_MS = 100
/** What follows sooner is the same question again: a SYN without an answer. */
const SENT_AGAIN_MS = 500
const SERVICES = 100
const TICK_MS = 10
/** In which each check begins, and the first verdicts come to the core. */
const SETTLE_MS = 10_000
const ADVERTS_TO = '224.0.0.18'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
    count: { type: 'string' },
    profile: { type: 'string' },
  },
})
const seconds = Number(values.seconds)

interface Found {
  readonly kind: Kind
  readonly count: number
  readonly probes: number
  /** How much later than `delay_loop` after the one before a probe started, in ms; the time that the probe took included. */
  readonly late: readonly number[]
  readonly sentAgain: number
  /** How far the time from one advert to the next is from the interval, in ms. */
  readonly adverts: readonly number[]
  readonly processes: readonly { readonly role: string; readonly cpu: number; readonly mebibytes: number }[]
}

function configOf(kind: Kind, count: number): string {
  const { port, inside } = KINDS[kind]
  // The core may have room for fewer servers than are to be asked: then each has more checks.
  const perServer = Math.ceil(count / MAX_DESTS)
  const reals = Array.from({ length: perServer === 0 ? 0 : Math.ceil(count / perServer) }, (_, i) => {
    const first = i * perServer
    const targets = Array.from({ length: Math.min(perServer, count - first) }, (_, j) => addressOf(first + j))
    const checks = targets.map((target) => `${kind} { connect_ip ${target}\n connect_port ${port}\n ${inside}\n }`)
    return `real_server ${addressOf(first)} ${port} {\n${checks.join('\n')}\n}`
  })
  const each = Math.ceil(reals.length / SERVICES)
  const services = Array.from({ length: each === 0 ? 0 : Math.ceil(reals.length / each) }, (_, i) => {
    const servers = reals.slice(i * each, (i + 1) * each).join('\n')
    return `virtual_server 10.8.0.${i + 1} ${port} {\n delay_loop 1\n warmup 1\n lvs_method NAT\n protocol TCP\n${servers}\n}`
  })
  return `vrrp_instance v {
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int ${ADVERT_MS / 1000}
  virtual_ipaddress { 10.0.0.100/16
  }
}
${services.join('\n')}
`
}

async function measure(kind: Kind): Promise<Found> {
  const count = kind === 'none' ? 0 : Number(values.count ?? KINDS[kind].count)
  const lab = await manyServers()
  let director: DirectorHost | undefined
  try {
    // The check process writes it as nobody.
    const env = values.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${values.profile}` }
    director = new DirectorHost(lab, 'director', configOf(kind, count), [], { env })
    await director.start(120_000)
    await untilState(director, 'master', 60_000)
    await sleep(SETTLE_MS)
    const filter = `(tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst net 10.9.0.0/16) or icmp[icmptype] == icmp-echo or ip proto 112`
    const sent = await SentPackets.start(lab, 'director', filter)
    const { processes } = await director.status()
    const pids = processes.flatMap(({ role, pid }) => (pid === undefined ? [] : [{ role, pid }]))
    const [ticks, begun] = [pids.map(({ pid }) => cpuTicks(pid)), performance.now()]
    await sleep(seconds * 1000)
    const elapsed = performance.now() - begun
    const cpu = pids.map(({ pid }, i) => ((cpuTicks(pid) - (ticks[i] ?? 0)) * TICK_MS) / elapsed)
    const times = await sent.stop()
    const after = await director.status()
    const failed = after.services.flatMap(({ servers }) => servers.filter(({ state }) => state !== 'up'))
    if (failed.length > 0) console.log(`${kind}: ${failed.length} servers are down: ${failed[0]?.reason}`)
    const probes = [...times].filter(([to]) => to.startsWith('10.9.'))
    if (probes.length !== count) throw new Error(`${probes.length} of ${count} servers were asked`)
    const gaps = probes.flatMap(([, at]) => gapsOf(at))
    const found = {
      kind,
      count,
      probes: probes.reduce((sum, [, at]) => sum + at.length, 0),
      late: gaps.filter((gap) => gap >= SENT_AGAIN_MS).map((gap) => gap - DELAY_LOOP_MS),
      sentAgain: gaps.filter((gap) => gap < SENT_AGAIN_MS).length,
      adverts: gapsOf(times.get(ADVERTS_TO) ?? []).map((gap) => Math.abs(gap - ADVERT_MS)),
      processes: pids.map(({ role }, i) => ({
        role,
        cpu: cpu[i] ?? 0,
        mebibytes: (after.processes.find((each) => each.role === role)?.residentBytes ?? 0) / 2 ** 20,
      })),
    }
    if (values.profile !== undefined) await director.stop()
    return found
  } catch (error) {
    console.error(director?.logText().slice(-4000))
    throw error
  } finally {
    lab.destroy()
  }
}

const gapsOf = (times: readonly number[]) => times.slice(1).map((at, i) => at - (times[i] ?? at))

const ms = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(Math.abs(value) >= 10 ? 0 : 1))

function row({ kind, count, probes, late, sentAgain, adverts, processes }: Found): string {
  const inTime = late.filter((each) => each <= IN_TIME_MS).length / late.length
  const of = (role: string) => {
    const one = processes.find((each) => each.role === role)
    return one === undefined ? '–' : `${(100 * one.cpu).toFixed(1)} %, ${one.mebibytes.toFixed(0)} MiB`
  }
  const share = Number.isNaN(inTime) ? '–' : `${(100 * inTime).toFixed(2)} %`
  const cells = [
    kind === 'none' ? 'no check' : `${count} ${kind}`,
    (probes / seconds).toFixed(0),
    share,
    ...[0.5, 0.99, 1].map((part) => ms(quantile(late, part))),
    String(sentAgain),
    of('check'),
    of('director'),
    ...[0.99, 0.999, 1].map((part) => ms(quantile(adverts, part))),
  ]
  return `| ${cells.join(' | ')} |`
}

const here = machine()
const kinds = values.kinds.split(',').filter(isKind)
const results: Found[] = []
for (const kind of kinds) {
  results.push(await measure(kind))
  console.log(row(results[results.length - 1] as Found))
}
const head = [
  `| checks every second | probes a second | start within ${IN_TIME_MS} ms | late by, p50 | p99 | max | sent again | check process | director | adverts off, p99 | p99.9 | max |`,
  '|---|---|---|---|---|---|---|---|---|---|---|---|',
]
const table = [...head, ...results.map(row)].join('\n')
const text = `${machineText(here)}; ${seconds} s each; times in ms:\n\n${table}\n`
console.log(`\n${text}`)
const inShort = results.map(({ late, adverts, ...rest }) => ({ ...rest, late: late.length, adverts: adverts.length }))
writeResults('checks', text, { machine: here, seconds, results: inShort })
