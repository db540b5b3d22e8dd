/**
 * How fast a large configuration is read: 10 000 real servers in 1 000 services, and 1 000 VRRP instances. Prints the
 * medians of Tanist in one process that is warm, of `tanistd -t` with its start, and of `keepalived -t`, on one file.
 *
 *     npm run bench:config [ROUNDS]
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfigFile } from '../../src/host/config-file.ts'
import { Lab } from '../support/lab.ts'

const SERVICES = 1000
const SERVERS_EACH = 10
const INSTANCES = 1000
/** Virtual router ids of one interface; the instances are spread over as many interfaces as that needs. */
const IDS = 250
/** What the file may take, read and checked in one process. */
const LIMIT_MS = 1000

const rounds = Number(process.argv[2] ?? 5)

function configuration(): string {
  const blocks: string[] = []
  for (let index = 0; index < INSTANCES; index++) {
    blocks.push(`vrrp_instance VI_${index} {
    state BACKUP
    interface eth${Math.floor(index / IDS)}
    virtual_router_id ${(index % IDS) + 1}
    priority 100
    advert_int 1
    virtual_ipaddress {
        10.1.${index >> 8}.${index & 255}/32
    }
}`)
  }
  for (let service = 0; service < SERVICES; service++) {
    const servers = Array.from(
      { length: SERVERS_EACH },
      (_, server) => `    real_server 10.3.${service >> 2}.${((service & 3) << 5) + server + 1} 80 {
        weight 1
        HTTP_GET {
            url {
                path /health
                status_code 200
            }
            connect_timeout 3
        }
    }`,
    )
    blocks.push(`virtual_server 10.2.${service >> 8}.${service & 255} 80 {
    delay_loop 6
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
${servers.join('\n')}
}`)
  }
  return `${blocks.join('\n')}\n`
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

function timed(run: () => void): number {
  const started = performance.now()
  run()
  return performance.now() - started
}

const lab = new Lab()
try {
  lab.addSwitch('lan')
  const ports = Array.from({ length: INSTANCES / IDS }, (_, net) => ({ switch: 'lan', address: `10.9.${net}.1/24` }))
  lab.addHost('host', ports)
  const file = join(lab.directory, 'large.conf')
  const text = configuration()
  writeFileSync(file, text)
  const times = { process: [] as number[], tanistd: [] as number[], keepalived: [] as number[] }
  const run = (command: readonly [string, ...string[]]) => {
    const [program, ...args] = lab.enter('host', command)
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  }
  const tanistd = join(import.meta.dirname, '../../dist/bin/tanistd.js')
  for (let round = 0; round < rounds; round++) {
    times.process.push(
      timed(() => {
        const read = readConfigFile(file, 'bench')
        if ('unreadable' in read || read.loaded.config === undefined) throw new Error('the file is refused')
      }),
    )
    times.tanistd.push(timed(() => run([process.execPath, tanistd, '-t', file])))
    times.keepalived.push(timed(() => run(['keepalived', '-t', '-f', file])))
  }
  console.log(`${text.split('\n').length} lines, ${SERVICES * SERVERS_EACH} real servers, ${INSTANCES} instances`)
  console.log(`first read in a process   ${(times.process[0] ?? 0).toFixed(0)} ms`)
  console.log(`median of ${rounds} reads         ${median(times.process).toFixed(0)} ms (at most ${LIMIT_MS})`)
  console.log(`tanistd -t, with start    ${median(times.tanistd).toFixed(0)} ms`)
  console.log(`keepalived -t             ${median(times.keepalived).toFixed(0)} ms`)
  if (median(times.process) > LIMIT_MS) process.exitCode = 1
} finally {
  lab.destroy()
}
