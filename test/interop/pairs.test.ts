/**
 * What people run, with the real programs, under keepalived and under Tanist at the same time, each in a lab of its own: how long after
 * a fault the last request of a client has failed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { type AttemptsReport, type Reporter, startAttempts } from '../support/reporter.ts'
import { type Case, cases, nodeAddress, nodeName, VIP } from './pairs/cases.ts'
import { DatabaseTemplate } from './pairs/postgres.ts'

/** The phase of a check that runs each second, and of an advert that is sent each second, is chance. */
const CHANCE_MS = 2000
/** What a busy machine takes. */
const NOISE_MS = 500
vi.setConfig({ maxConcurrency: 2 })

type Product = 'keepalived' | 'tanist'

let database: DatabaseTemplate
beforeAll(() => void (database = new DatabaseTemplate()))
afterAll(() => database.remove())

/**
 * From the fault to the last failed request, in ms. After the repair, where nothing has to fail, from the first to the last one that did: one that is
 * under way when the address moves ends by a reset.
 */
interface Outages {
  readonly fault: number
  readonly repair: number | undefined
}

describe.concurrent.each(cases)('beside keepalived', (each) => {
  test(each.name, async () => {
    const [keepalived, tanist] = await Promise.all([outagesOf(each, 'keepalived'), outagesOf(each, 'tanist')])
    const line = ({ fault, repair }: Outages) => `${fault} ms${repair === undefined ? '' : ` (and back: ${repair} ms)`}`
    console.log(`${each.name}: keepalived ${line(keepalived)}, Tanist ${line(tanist)}`)
    expect(tanist.fault).toBeLessThan(keepalived.fault + CHANCE_MS + NOISE_MS)
    expect(tanist.repair ?? 0).toBeLessThan((keepalived.repair ?? 0) + NOISE_MS)
  })
})

async function outagesOf(each: Case, product: Product): Promise<Outages> {
  const lab = new Lab()
  try {
    lab.addSwitch('lan')
    lab.addHost('client', [{ switch: 'lan', address: '10.0.0.10/24' }])
    for (let number = 1; number <= each.nodes; number++) {
      lab.addHost(nodeName(number), [{ switch: 'lan', address: `${nodeAddress(number)}/24` }])
      await lab.separateProcesses(nodeName(number))
    }
    const files = await each.prepare({ lab, database })
    // The first one first: also one that does not preempt is master then.
    for (const [i, text] of files.entries()) await startNode(lab, nodeName(i + 1), text, product, i === 0)
    const has = (number: number) => lab.run(nodeName(number), ['ip', '-brief', 'address']).includes(`${VIP}/`)
    const client = await startAttempts(lab, 'client', each.client.periodMs, ...each.client.what)
    await untilServed(client, 'at the beginning')
    expect(has(1)).toBe(true)
    const begun = Date.now()
    const failed = await failuresAfter(client, () => each.fault(lab))
    const fault = failed.length === 0 ? 0 : Math.max(...failed) - begun
    expect(has(2)).toBe(true)
    const { repair } = each
    if (repair === undefined) return { fault, repair }
    const back = async () => {
      repair(lab)
      await until('the first node to have the address again', () => has(1) && !has(2))
    }
    const failedThen = await failuresAfter(client, back)
    return { fault, repair: failedThen.length === 0 ? 0 : Math.max(...failedThen) - Math.min(...failedThen) }
  } finally {
    lab.destroy()
  }
}

async function startNode(lab: Lab, host: string, text: string, product: Product, first: boolean): Promise<void> {
  if (product === 'tanist') await new DirectorHost(lab, host, text).start()
  else new KeepalivedHost(lab, host, text).start()
  const isMaster = () => lab.run(host, ['ip', '-brief', 'address']).includes(`${VIP}/`)
  if (first) await until(`${host} to be master`, isMaster)
}

/** When each request was begun that has failed since the beginning of `happens`. */
async function failuresAfter(
  client: Reporter<AttemptsReport>,
  happens: () => void | Promise<void>,
): Promise<readonly number[]> {
  await client.report()
  await happens()
  return await untilServed(client, 'after what has happened')
}

/** Waits until no request of two whole seconds has failed; gives those that failed before. */
async function untilServed(client: Reporter<AttemptsReport>, when: string): Promise<readonly number[]> {
  const failed: number[] = []
  await until(`requests to be answered ${when}`, async () => {
    await sleep(2000)
    const seen = await client.report()
    failed.push(...seen.failed)
    return seen.attempted > 0 && seen.failed.length === 0
  })
  return failed
}
