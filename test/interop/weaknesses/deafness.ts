import { setTimeout as sleep } from 'node:timers/promises'
import { AddressEvents } from '../../support/address-events.ts'
import { Capture } from '../../support/capture.ts'
import { linkOf } from '../../support/frames.ts'
import { type Lab, until } from '../../support/lab.ts'
import { NeighbourEvents } from '../../support/neighbour-events.ts'
import { Pings } from '../../support/pings.ts'
import { type Drill, type Outcome } from './drill.ts'
import { CLIENT, hasAddress, type Node, type Product, type Scene, takeOvers, VIP, withPair } from './scene.ts'

/** What a backup does that does not hear its master, for a moment, now and then, or because it does not run. */

/** Rules for the adverts that come to a host, and those that it sends. */
function cut(lab: Lab, { host }: Node, rules: Partial<Record<'input' | 'output', string>>): void {
  const chains = Object.entries(rules).flatMap(([hook, rule]) => [
    `add chain ip cut ${hook} { type filter hook ${hook} priority 0; }`,
    `add rule ip cut ${hook} ip protocol 112 ${rule} drop`,
  ])
  lab.run(host, ['nft', ['add table ip cut', ...chains].join('; ')])
}

const mend = (lab: Lab, { host }: Node) => lab.run(host, ['nft', 'delete table ip cut'])

const INTERVAL_MS = 1000
/** So long after the last advert that it has heard a backup hears again: it has missed four, and has taken over meanwhile. */
const DEAF_MS = 4.75 * INTERVAL_MS
const ROUNDS = 3
/** Longer than the delay of keepalived's second block of announcements, and than a client's kernel believes what does not answer. */
const WATCHED_MS = 9000
/** What is heard an interval later at the latest has to be told to the client, on a busy machine. */
const NOISE_MS = 300

function falseTakeOver(weakness: string, rules: Parameters<typeof cut>[2]): Drill {
  return {
    weakness,
    promised: '≤ 1 advert interval',
    limit: () => INTERVAL_MS + NOISE_MS,
    run: (product) =>
      withPair(product, { interval: INTERVAL_MS }, async (scene) => {
        // The client has a neighbour entry as long as it sends.
        await Pings.start(scene.lab, CLIENT, VIP)
        const neighbours = await NeighbourEvents.start(scene.lab, CLIENT, VIP)
        const capture = await Capture.start(scene.lab, 'lan')
        await sleep(6000) // keepalived's second block of announcements
        const wrong: number[] = []
        for (let i = 0; i < ROUNDS; i++) wrong.push(await wronglyAddressed(scene, capture, neighbours, rules))
        const times = wrong.map((each) => Math.round(each)).join(', ')
        return { value: Math.max(...wrong), text: `${times} ms` }
      }),
  }
}

/** How long after its backup hears again a client points at it all the same. */
async function wronglyAddressed(
  { lab, master, backup }: Scene,
  capture: Capture,
  neighbours: NeighbourEvents,
  rules: Parameters<typeof cut>[2],
): Promise<number> {
  const last = await capture.next(master.address, Date.now())
  cut(lab, backup, rules)
  await until('the second master', () => hasAddress(lab, backup), 2 * DEAF_MS)
  await sleep(last.at + DEAF_MS - Date.now())
  mend(lab, backup)
  const mendedAt = Date.now()
  await until('one master', () => !hasAddress(lab, backup))
  await sleep(WATCHED_MS)
  const { address: mac } = linkOf(lab, backup.host, 'eth0')
  // Where it is heard, its master has won the client back at once.
  if (rules.output !== undefined && neighbours.timeAt(mac, last.at, mendedAt) === 0)
    throw new Error('the client has not believed the second master')
  return neighbours.timeAt(mac, mendedAt, mendedAt + WATCHED_MS)
}

export const deafOnce = falseTakeOver(
  'false take-over: the backup misses four adverts, and is heard; then a client points at it for',
  {
    input: '',
  },
)
export const cutOffOnce = falseTakeOver('the same, and it is not heard; then a client points at it for', {
  input: '',
  output: '',
})

const LOSSY_INTERVAL_MS = 100
const LOSSY_FOR_MS = 60_000
/** Of the adverts of a minute, which of them get lost. */
const LOST = lostAdverts(LOSSY_FOR_MS / LOSSY_INTERVAL_MS, 0.3, 5)

/** Numbers below `count`, drawn always alike, with at most `most` of them in a row. */
function lostAdverts(count: number, share: number, most: number): readonly number[] {
  let seed = 1
  const lost: number[] = []
  for (let i = 0; i < count; i++) {
    // The generator of Park and Miller.
    seed = (seed * 48_271) % 0x7fffffff
    const row = lost.slice(-most)
    const isFull = row.length === most && row[0] === i - most
    if (seed / 0x7fffffff < share && !isFull) lost.push(i)
  }
  return lost
}

function lossy(weakness: string, promised: string, more: string, limit: Drill['limit']): Drill {
  return {
    weakness,
    promised,
    limit,
    run: (product) =>
      withPair(product, { interval: LOSSY_INTERVAL_MS, more }, async ({ lab, backup }) => {
        const before = takeOvers(backup)
        cut(lab, backup, {
          input: `numgen inc mod ${LOSSY_FOR_MS / LOSSY_INTERVAL_MS} { ${LOST.join(', ')} }`,
        })
        await sleep(LOSSY_FOR_MS)
        return times(takeOvers(backup) - before)
      }),
  }
}

const times = (value: number): Outcome => ({ value, text: String(value) })

const LOSS = '30 % of the adverts lost at the backup, one every 0.1 s: take-overs in a minute'
/** An advert that a busy machine sends late. */
const CHANCE = 2

export const lossyDefault = lossy(LOSS, 'no more than keepalived', '', ({ value }) => value + CHANCE)
export const lossyPatient = lossy(`${LOSS}, \`down_timer_adverts 6\``, 'none', 'down_timer_adverts 6', () => 0)

const FAST_INTERVAL_MS = 10
const FREEZES = 10
const FROZEN_MS = 500
/** What comes of waking up has come by then. */
const AWAKE_MS = 500

export const frozenBackup: Drill = {
  weakness: `backup frozen for ${FROZEN_MS} ms, ${FREEZES} times, adverts every ${FAST_INTERVAL_MS} ms: take-overs when it wakes`,
  promised: 'none',
  limit: () => 0,
  run: (product: Product) =>
    withPair(product, { interval: FAST_INTERVAL_MS }, async ({ lab, backup }) => {
      const events = await AddressEvents.start(lab, backup.host)
      const { all } = await backup.pids()
      const signal = (name: NodeJS.Signals) => all.forEach((pid) => process.kill(pid, name))
      for (let i = 0; i < FREEZES; i++) {
        signal('SIGSTOP')
        await sleep(FROZEN_MS)
        signal('SIGCONT')
        await sleep(AWAKE_MS)
      }
      return times(events.list().filter((text) => text === `added ${VIP}/24`).length)
    }),
}
