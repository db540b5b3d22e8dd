import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { schedule } from '../../src/linux/scheduling.ts'
import { AddressEvents } from '../support/address-events.ts'
import { Lab, until } from '../support/lab.ts'
import { type Candidate, candidate, PATIENCE_MS, type Product, REALTIME } from './candidate.ts'

export const BACKUP_PRIORITY = 100
const MASTER_PRIORITY = 200

/** Instances of a pair that are disturbed alike, and wait for equally many adverts: VRIDs from `first` on. */
export interface Lot {
  readonly first: number
  readonly count: number
  readonly downTimerAdverts: number
  /** Which of the disturbances is theirs. */
  readonly class: number
}

/** What disturbs a pair. Of loss and delay each class of instances has its own. */
export type Disturbance =
  | { readonly kind: 'loss'; readonly percents: readonly number[] }
  | { readonly kind: 'delay'; readonly longestMs: readonly number[]; readonly seed: number }
  /** All processes of one of the directors may use so much of a core. Without real-time priority: the kernel gives none to a group. */
  | { readonly kind: 'quota'; readonly percent: number; readonly of: 'master' | 'backup' }
  /** Both directors have one core, together with so many programs that always want it. */
  | { readonly kind: 'hogs'; readonly count: number; readonly realtime: boolean }

export function classesOf(disturbance: Disturbance): number {
  switch (disturbance.kind) {
    case 'loss':
      return disturbance.percents.length
    case 'delay':
      return disturbance.longestMs.length
    case 'quota':
    case 'hogs':
      return 1
  }
}

const vipOf = (vrid: number) => `10.0.1.${vrid}`

const fileOf = (lots: readonly Lot[], intervalMs: number, realtime: boolean) => (priority: number) =>
  `global_defs {
  ${realtime ? REALTIME : ''}
}
${lots
  .flatMap(({ first, count, downTimerAdverts }) =>
    Array.from(
      { length: count },
      (_, i) => `vrrp_instance v${first + i} {
  interface eth0
  virtual_router_id ${first + i}
  version 3
  priority ${priority}
  advert_int ${intervalMs / 1000}
  down_timer_adverts ${downTimerAdverts}
  virtual_ipaddress {
    ${vipOf(first + i)}/16
  }
}
`,
    ),
  )
  .join('')}`

/** How often each address came that was not there: what is added again has only another lifetime. */
function takeovers(events: readonly string[]): ReadonlyMap<string, number> {
  const present = new Set<string>()
  const count = new Map<string, number>()
  for (const event of events) {
    const [what, address = ''] = event.split(/[ /]/)
    if (what === 'deleted') present.delete(address)
    else if (!present.has(address)) {
      present.add(address)
      count.set(address, (count.get(address) ?? 0) + 1)
    }
  }
  return count
}

/** The core that is fought for. */
const CORE = 1
const CGROUPS = '/sys/fs/cgroup/cpu'
/** The kernel's own default. */
const PERIOD_US = 100_000

/** A pair that goes on undisturbed until it is told. */
export class TakeoverLab {
  readonly #lab = new Lab()
  readonly #lots: readonly Lot[]
  readonly #disturbance: Disturbance
  readonly #hogs: ChildProcess[] = []
  readonly #group: string
  #candidates: readonly Candidate[] = []
  #events: AddressEvents | undefined

  constructor(lots: readonly Lot[], disturbance: Disturbance) {
    this.#lots = lots
    this.#disturbance = disturbance
    this.#group = join(CGROUPS, this.#lab.directorName('starved'))
  }

  async start(product: Product, intervalMs: number): Promise<void> {
    const lab = this.#lab
    const { kind } = this.#disturbance
    const isWired = kind === 'delay'
    lab.addSwitch('lan1')
    lab.addSwitch('lan2')
    lab.addHost('director1', [{ switch: 'lan1', address: '10.0.100.1/16' }])
    lab.addHost('director2', [{ switch: isWired ? 'lan2' : 'lan1', address: '10.0.100.2/16' }])
    if (this.#disturbance.kind === 'delay') {
      lab.addHost('wire', [
        { switch: 'lan1', address: '10.0.100.8/16' },
        { switch: 'lan2', address: '10.0.100.9/16' },
      ])
      const { longestMs, seed } = this.#disturbance
      const range = this.#lots.filter((lot) => lot.class === 0).reduce((sum, { count }) => sum + count, 0)
      await once(lab.fork('wire', 'late-wire-process.ts', [seed, range, ...longestMs].map(String)), 'message')
    }
    const realtime = this.#disturbance.kind === 'hogs' ? this.#disturbance.realtime : kind !== 'quota'
    const text = fileOf(this.#lots, intervalMs, realtime)
    const [master, backup] = [
      candidate(product, lab, 'director1', text, MASTER_PRIORITY),
      candidate(product, lab, 'director2', text, BACKUP_PRIORITY),
    ]
    this.#candidates = [master, backup]
    const count = this.#lots.reduce((sum, lot) => sum + lot.count, 0)
    await master.start()
    await until(`${product} to be master of all`, () => this.#held('director1') === count, PATIENCE_MS)
    this.#events = await AddressEvents.start(lab, 'director2')
    await backup.start()
    await sleep(2000)
  }

  #held(host: string): number {
    return this.#lab.run(host, ['ip', '-brief', 'address']).match(/10\.0\.1\.\d+\//g)?.length ?? 0
  }

  /** Take-overs of each class by the number of adverts waited for, in so many seconds of disturbance. */
  async observe(seconds: number): Promise<readonly { readonly lot: Lot; readonly takeovers: number }[]> {
    await this.#disturb()
    await sleep(1000)
    this.#events?.clear()
    await sleep(seconds * 1000)
    const taken = takeovers(this.#events?.list() ?? [])
    return this.#lots.map((lot) => {
      const vips = Array.from({ length: lot.count }, (_, i) => vipOf(lot.first + i))
      return { lot, takeovers: vips.reduce((sum, vip) => sum + (taken.get(vip) ?? 0), 0) }
    })
  }

  async #disturb(): Promise<void> {
    switch (this.#disturbance.kind) {
      case 'loss':
        this.#lose(this.#disturbance.percents)
        return
      case 'delay':
        return
      case 'quota': {
        const { percent, of } = this.#disturbance
        const pids = (await this.#candidates[of === 'master' ? 0 : 1]?.pids()) ?? []
        mkdirSync(this.#group)
        writeFileSync(join(this.#group, 'cpu.cfs_quota_us'), String((PERIOD_US * percent) / 100))
        for (const pid of pids) {
          schedule(pid, { nice: undefined, realtime: 0, cpus: undefined })
          writeFileSync(join(this.#group, 'cgroup.procs'), String(pid))
        }
        return
      }
      case 'hogs': {
        const pids = (await Promise.all(this.#candidates.map((each) => each.pids()))).flat()
        const { realtime, count } = this.#disturbance
        // Tanist takes real-time priority unasked.
        for (const pid of pids) schedule(pid, { nice: undefined, realtime: realtime ? undefined : 0, cpus: [CORE] })
        for (let i = 0; i < count; i++) {
          const hog = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' })
          if (hog.pid !== undefined) schedule(hog.pid, { nice: undefined, realtime: undefined, cpus: [CORE] })
          process.once('exit', () => hog.kill('SIGKILL'))
          this.#hogs.push(hog)
        }
      }
    }
  }

  /** What the backup hears of the master is dropped by chance; by its VRID, which is the second byte of an advert. */
  #lose(percents: readonly number[]): void {
    const rules = percents.map((percent, i) => {
      const lots = this.#lots.filter((lot) => lot.class === i)
      const first = Math.min(...lots.map((lot) => lot.first))
      const last = Math.max(...lots.map((lot) => lot.first + lot.count - 1))
      return `ip protocol 112 @th,8,8 ${first}-${last} numgen random mod 100 < ${percent} drop`
    })
    this.#lab.run('director2', [
      'nft',
      `table netdev loss { chain in { type filter hook ingress device eth0 priority 0; ${rules.join('; ')}; }; }`,
    ])
  }

  async close(): Promise<void> {
    for (const hog of this.#hogs) hog.kill('SIGKILL')
    this.#events?.stop()
    this.#lab.destroy()
    if (this.#disturbance.kind === 'quota') await this.#dissolve()
  }

  async #dissolve(): Promise<void> {
    const isGone = () => {
      try {
        rmdirSync(this.#group)
        return true
      } catch {
        return false // its last processes are ending
      }
    }
    if (readdirSync(CGROUPS).includes(this.#group.slice(CGROUPS.length + 1)))
      await until('the group to be empty', isGone)
  }
}

/** Whether this kernel has the controller: cgroup v1, with quotas. */
export function hasQuotas(): boolean {
  try {
    return readdirSync(CGROUPS).includes('cpu.cfs_quota_us')
  } catch {
    return false
  }
}

/** Whether there is a core to watch from while the other one is fought for. */
export const hasSecondCore = () => availableParallelism() > 1
