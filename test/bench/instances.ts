/**
 * What 1020 instances cost (255 on each of 4 interfaces): time from the start of the program until the last of them is in its
 * state, share of a core and memory while nothing happens, as master and as backup, at adverts every second and every 100 ms; of
 * keepalived and of Tanist with the same file, one after the other. The master that a backup hears is a keepalived.
 *
 *     npm run bench:instances [SECONDS] [INSTANCES PER INTERFACE]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { cpuTicks } from './idle.ts'

const seconds = Number(process.argv[2] ?? 10)
const perInterface = Number(process.argv[3] ?? 255)
const INTERFACES = [0, 1, 2, 3]
const TICK_MS = 10
const count = INTERFACES.length * perInterface

const config = (intervalSeconds: number, priority: number) =>
  INTERFACES.flatMap((device) =>
    Array.from(
      { length: perInterface },
      (_, i) => `vrrp_instance v${device}_${i + 1} {
  interface eth${device}
  virtual_router_id ${i + 1}
  version 3
  priority ${priority}
  advert_int ${intervalSeconds}
  virtual_ipaddress { 10.${device}.200.${i + 1}/16
  }
}
`,
    ),
  ).join('')

interface Running {
  readonly pids: readonly number[]
  /** How many instances are backups. */
  readonly backups: () => Promise<number>
}

async function startTanist(lab: Lab, text: string): Promise<Running> {
  const director = new DirectorHost(lab, 'director1', text)
  await director.start(60_000)
  const { processes } = await director.status()
  return {
    pids: processes.flatMap(({ pid }) => pid ?? []),
    backups: async () => (await director.status()).instances.filter(({ state }) => state === 'backup').length,
  }
}

async function startKeepalived(lab: Lab, host: string, text: string): Promise<Running> {
  const keepalived = new KeepalivedHost(lab, host, text)
  keepalived.start()
  const pidOf = (role: string) => {
    try {
      return Number(readFileSync(join(lab.directory, `${host}.${role}.pid`), 'utf8'))
    } catch {
      return 0
    }
  }
  await until('keepalived to run', () => pidOf('parent') > 0 && pidOf('vrrp') > 0, 60_000)
  return {
    pids: [pidOf('parent'), pidOf('vrrp')],
    backups: () => Promise.resolve(keepalived.logText().split('Entering BACKUP STATE').length - 1),
  }
}

const residentMebibytes = (pid: number) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** Virtual addresses that a host has. */
const held = (lab: Lab, host: string) =>
  lab.run(host, ['ip', '-brief', 'address']).match(/10\.\d+\.200\.\d+\//g)?.length ?? 0

async function measure(
  product: 'keepalived' | 'tanist',
  role: 'master' | 'backup',
  intervalSeconds: number,
): Promise<string> {
  const lab = new Lab()
  try {
    for (const i of INTERFACES) lab.addSwitch(`lan${i}`)
    const ports = (last: number) => INTERFACES.map((i) => ({ switch: `lan${i}`, address: `10.${i}.100.${last}/16` }))
    lab.addHost('director1', ports(1))
    lab.addHost('director2', ports(2))
    if (role === 'backup') {
      await startKeepalived(lab, 'director2', config(intervalSeconds, 200))
      await until('the peer to be master', () => held(lab, 'director2') === count, 60_000)
      await sleep(2000)
    }
    const begin = performance.now()
    const text = config(intervalSeconds, 100)
    const running = await (product === 'tanist' ? startTanist(lab, text) : startKeepalived(lab, 'director1', text))
    if (role === 'master') await until('all to be master', () => held(lab, 'director1') === count, 60_000)
    else await until('all to be backup', async () => (await running.backups()) === count, 60_000)
    const startMs = performance.now() - begin
    await sleep(7000) // the second block of gratuitous ARPs is over
    if (role === 'backup' && held(lab, 'director1') > 0) throw new Error(`${product} has become master`)
    const [ticks, from] = [running.pids.map(cpuTicks), performance.now()]
    await sleep(seconds * 1000)
    const elapsed = performance.now() - from
    const shares = running.pids.map((pid, i) => ((cpuTicks(pid) - (ticks[i] ?? 0)) * TICK_MS * 100) / elapsed)
    const all = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0)
    const memory = running.pids.map(residentMebibytes)
    return [
      `${product}, ${role}, adverts every ${intervalSeconds} s: start ${(startMs / 1000).toFixed(1)} s`,
      `${all(shares).toFixed(1)} % of a core (${shares.map((share) => share.toFixed(1)).join(' + ')})`,
      `${all(memory).toFixed(0)} MiB`,
    ].join(', ')
  } finally {
    lab.destroy()
  }
}

console.log(`${count} instances, ${seconds} s each; processes of tanist: director, vrrp and those of its other parts`)
for (const intervalSeconds of [1, 0.1]) {
  for (const role of ['master', 'backup'] as const) {
    for (const product of ['keepalived', 'tanist'] as const) console.log(await measure(product, role, intervalSeconds))
  }
}
