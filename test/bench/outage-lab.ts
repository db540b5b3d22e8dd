import { setTimeout as sleep } from 'node:timers/promises'
import { Lab, until } from '../support/lab.ts'
import { type PingReport, type Reporter, startPings } from '../support/reporter.ts'
import { type Candidate, candidate, PATIENCE_MS, type Product, REALTIME } from './candidate.ts'

/** What happens to a master. */
export const FAULTS = ['link loss', 'graceful stop', 'hand-over'] as const
export type Fault = (typeof FAULTS)[number]

export const MASTER_PRIORITY = 200
export const BACKUP_PRIORITY = 100

/** How long a backup waits for a master that is gone (RFC 9568, section 6.1), in ms: from its last advert on. */
export function downTimeMs(intervalMs: number): number {
  return (3 + (256 - BACKUP_PRIORITY) / 256) * intervalMs
}

/** A pair of directors on a bridge of their own, with a virtual address that the client probes. */
export interface Contest {
  readonly product: Product
  /** Its place among the targets of the probe. */
  readonly number: number
  readonly vip: string
  /** Does it to the master, or waits for the first part of it. */
  readonly strike: (fault: Fault) => Promise<void>
  /** Whether the backup is master now. */
  readonly isOver: () => boolean
  /** Everything is as before the fault again, and quiet. */
  readonly recover: (fault: Fault) => Promise<void>
}

/** Several pairs at once, and one client with one probe for all of them. */
export interface Arena {
  readonly contests: readonly Contest[]
  readonly probe: Reporter<PingReport>
  readonly close: () => Promise<void>
}

const holds = (lab: Lab, host: string, address: string) =>
  lab.run(host, ['ip', '-brief', 'address']).includes(`${address}/`)

/** The file of both directors: nothing but the election and real-time priority, everything else by default. */
const fileOf = (intervalMs: number, vip: string) => (priority: number) =>
  `global_defs {
  ${REALTIME}
}
vrrp_instance e {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int ${intervalMs / 1000}
  virtual_ipaddress {
    ${vip}/16
  }
}
`

async function contest(lab: Lab, number: number, product: Product, intervalMs: number): Promise<Contest> {
  const vip = `10.${number}.0.6`
  const text = fileOf(intervalMs, vip)
  const [master, backup] = [1, 2].map((i): Candidate => {
    const host = `p${number}d${i}`
    lab.addHost(host, [{ switch: `lan${number}`, address: `10.${number}.100.${i}/16` }])
    return candidate(product, lab, host, text, i === 1 ? MASTER_PRIORITY : BACKUP_PRIORITY)
  })
  if (master === undefined || backup === undefined) throw new Error('two directors')
  const settled = async () => {
    const isSettled = () => holds(lab, master.host, vip) && !holds(lab, backup.host, vip)
    await until(`${master.host} (${product}) to be master alone`, isSettled, PATIENCE_MS)
  }
  await backup.start()
  await master.start()
  await settled()
  let stopping = Promise.resolve()
  return {
    product,
    number,
    vip,
    isOver: () => holds(lab, backup.host, vip),
    async strike(fault) {
      switch (fault) {
        case 'link loss':
          lab.cable(master.host, 0, 'down')
          return
        case 'graceful stop':
          stopping = master.stop()
          return
        case 'hand-over':
          await master.handOver()
      }
    },
    async recover(fault) {
      switch (fault) {
        case 'link loss':
          lab.cable(master.host, 0, 'up')
          break
        case 'graceful stop':
          await stopping
          await master.start()
          break
        case 'hand-over':
          await until(`${master.host} (${product}) to give the address up`, () => !holds(lab, master.host, vip))
          await master.takeBack()
      }
      await settled()
    },
  }
}

/** `products` has one for each pair. */
export async function openArena(products: readonly Product[], intervalMs: number): Promise<Arena> {
  const lab = new Lab()
  try {
    for (const i of products.keys()) lab.addSwitch(`lan${i}`)
    const ports = products.map((_, i) => ({ switch: `lan${i}`, address: `10.${i}.200.1/16` }))
    lab.addHost('client', ports)
    const contests = await Promise.all(products.map((product, i) => contest(lab, i, product, intervalMs)))
    const probe = await startPings(
      lab,
      'client',
      contests.map(({ vip }) => vip),
    )
    await sleep(1000)
    return {
      contests,
      probe,
      close: async () => {
        lab.destroy()
        await sleep(200)
      },
    }
  } catch (error) {
    lab.destroy()
    throw error
  }
}
