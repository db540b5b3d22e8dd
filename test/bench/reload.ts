/**
 * A configuration as large as people have them: 37 205 real servers in 2277 services, each with a TCP_CHECK. How long it takes to check
 * the file, to start with it, and to reload it: without a change, with one server of another weight, and with one server more; for
 * checking also of keepalived with the same file (its authors give 0.24 s for a reload of this size by 2.4.3). What the core has no room
 * for is left out of what is started.
 *
 *     npm run bench:reload [ROUNDS]
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_DESTS, MAX_SERVICES } from '../../src/forward/ebpf/layout/bounds.ts'
import { readConfigFile } from '../../src/host/config-file.ts'
import { DirectorHost } from '../support/director.ts'
import { addressOf, manyServers } from './many-servers.ts'
import { median } from './median.ts'

const SERVICES = 2277
const SERVERS = 37_205
/** For the first verdicts to be over. */
const SETTLE_MS = 15_000
const START_MS = 120_000
/** Places in the core for servers that come and go. */
const SPARE = 16

const rounds = Number(process.argv[2] ?? 5)

/** `weight`: of the first server; `more`: servers of the last service besides. */
function configOf(services: number, servers: number, { weight = 1, more = 0 } = {}): string {
  const first = (service: number) => Math.floor((service * servers) / services)
  return Array.from({ length: services }, (_, service) => {
    const end = first(service + 1) + (service === services - 1 ? more : 0)
    const reals = Array.from({ length: end - first(service) }, (_, i) => {
      const server = first(service) + i
      return `    real_server ${addressOf(server)} 80 {
        weight ${server === 0 ? weight : 1}
        TCP_CHECK {
            connect_timeout 3
        }
    }`
    })
    return `virtual_server 10.8.${service >> 8}.${service & 255} 80 {
    delay_loop 60
    warmup 10
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
${reals.join('\n')}
}
`
  }).join('')
}

async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now()
  await run()
  return performance.now() - begun
}

const say = (what: string, times: readonly number[]) =>
  console.log(
    `${what.padEnd(46)}${(median(times) / 1000).toFixed(2)} s (${times.length}, at most ${(Math.max(...times) / 1000).toFixed(2)} s)`,
  )

const lab = await manyServers()
try {
  const file = join(lab.directory, 'large.conf')
  const text = configOf(SERVICES, SERVERS)
  writeFileSync(file, text)
  console.log(`${SERVERS} real servers in ${SERVICES} services, ${text.split('\n').length} lines`)
  const tanistd = join(import.meta.dirname, '../../dist/bin/tanistd.js')
  const run = (command: readonly [string, ...string[]]) => {
    const [program, ...args] = lab.enter('director', command)
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  }
  const times = { read: [] as number[], tanistd: [] as number[], keepalived: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    times.read.push(
      await timed(() => {
        const read = readConfigFile(file, 'bench')
        if ('unreadable' in read || read.loaded.config === undefined) throw new Error('the file is refused')
      }),
    )
    times.tanistd.push(await timed(() => run([process.execPath, tanistd, '-t', file])))
    times.keepalived.push(await timed(() => run(['keepalived', '-t', '-f', file])))
  }
  say('read and checked, in a process that is warm', times.read)
  say('tanistd -t, with its start', times.tanistd)
  say('keepalived -t', times.keepalived)

  const [services, servers] = [Math.min(SERVICES, MAX_SERVICES), Math.min(SERVERS, MAX_DESTS - SPARE)]
  if (servers < SERVERS) console.log(`\nthe core has room for ${servers} servers in ${services} services:`)
  const director = new DirectorHost(lab, 'director', configOf(services, servers))
  say('start, until all services are in the core', [await timed(() => director.start(START_MS))])
  await sleep(SETTLE_MS)
  const reload = async (config: string) => {
    director.configure(config)
    const took = await timed(async () => {
      const errors = await director.reload()
      if (errors.length > 0) throw new Error(errors.join('\n'))
    })
    await sleep(1000)
    return took
  }
  const found = { same: [] as number[], weight: [] as number[], more: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    found.same.push(await reload(configOf(services, servers)))
    found.weight.push(await reload(configOf(services, servers, { weight: 2 })))
    found.more.push(await reload(configOf(services, servers, { weight: 2, more: 1 })))
    await reload(configOf(services, servers))
  }
  say('reload without a change', found.same)
  say('reload with one weight', found.weight)
  say('reload with one server more', found.more)
  const { processes } = await director.status()
  const memory = processes.map(({ role, residentBytes = 0 }) => `${role} ${(residentBytes / 2 ** 20).toFixed(0)} MiB`)
  console.log(`memory: ${memory.join(', ')}`)
} finally {
  lab.destroy()
}
