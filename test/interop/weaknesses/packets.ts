import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lab, until } from '../../support/lab.ts'
import { type Drill, milliseconds } from './drill.ts'
import { hasAddress, STRANGER, takeOvers, unansweredWhile, VRID, withPair } from './scene.ts'

/** What one packet of a stranger does. */

const INTERVAL_MS = 1000
/** The longest that fits into an advert of version 3. */
const LONGEST_MS = 40_950

/** An advert with a higher priority. */
async function spoof(lab: Lab, interval: number): Promise<void> {
  const what = ['254', '1', '', String(interval)] as const
  const child = lab.fork('stranger', 'vrrp-sender-process.ts', [STRANGER, String(VRID), ...what])
  await once(child, 'exit')
}

export const longInterval: Drill = {
  weakness: `one spoofed packet, priority 254 and interval ${LONGEST_MS / 1000} s: nobody answers for`,
  promised: '≤ 3 × own interval',
  limit: () => 3 * INTERVAL_MS,
  run: (product) =>
    withPair(product, { interval: INTERVAL_MS }, async (scene) => {
      const { lab, master, backup } = scene
      const has = () => [master, backup].some((node) => hasAddress(lab, node))
      const happens = async () => {
        await spoof(lab, LONGEST_MS)
        await until('nobody', () => !has())
        await until('somebody', () => sleep(200).then(has), 4 * LONGEST_MS)
      }
      return milliseconds(await unansweredWhile(scene, happens))
    }),
}

export const noInterval: Drill = {
  weakness: 'one spoofed packet, priority 254 and interval 0',
  promised: 'no effect',
  limit: () => 0,
  run: (product) =>
    withPair(product, { interval: INTERVAL_MS }, async (scene) => {
      const turns = () => takeOvers(scene.master) + takeOvers(scene.backup)
      const before = turns()
      const lost = await unansweredWhile(scene, () => spoof(scene.lab, 0).then(() => sleep(10_000)))
      const moved = turns() - before
      return { value: lost + moved, text: `${Math.round(lost)} ms lost, ${moved} take-overs` }
    }),
}
