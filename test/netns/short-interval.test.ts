import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/lab.ts'
import { buildPair, type Pair } from '../support/pair.ts'
import { longestGap, startProbe } from '../support/reporter.ts'

let pair: Pair
beforeAll(async () => {
  pair = await buildPair('dr')
  for (const director of pair.directors) {
    director.configure(readFileSync(director.file, 'utf8').replace('advert_int 1\n', 'advert_int 0.1\n'))
    await director.start()
  }
  await pair.directors[0].untilState('master')
  await pair.directors[1].untilState('backup')
})
afterAll(() => pair.lab.destroy())

test('where a new vrrp process would come too late, the director gives the role up, and the peer takes over', async () => {
  const [active, standby] = pair.directors
  const probe = await startProbe(pair.lab, 'client', pair.vip, 7)
  await sleep(500)
  await probe.report()
  process.kill(await active.pidOf('vrrp'), 'SIGKILL')
  await until('the peer to have been master', async () => {
    return (
      (await standby.status()).instances[0]?.state === 'master' || standby.logText().includes('Entering MASTER STATE')
    )
  })
  expect(active.logText()).toContain('giving up the role of master')
  await active.untilState('master')
  await standby.untilState('backup')
  await sleep(500)
  // Skew time of priority 100 at 0.1 s is 61 ms; the rest is what a busy machine adds.
  expect(longestGap(await probe.report())).toBeLessThan(61 + 100)
})
