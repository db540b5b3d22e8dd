import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { until } from '../support/lab.ts'
import { buildPair, distribution, type Pair } from '../support/pair.ts'
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

test('requests are shared by weight, and the answers do not pass the director', async () => {
  expect(distribution(pair, 12)).toEqual({ rs11: 2, rs12: 4, rs13: 6 })
  const [web] = (await pair.directors[0].status()).services
  expect(web?.counters.connections).toBe(12)
  expect(web?.counters.outPackets).toBe(0)
})

test('only the director answers ARP for the virtual IP', () => {
  const answers = pair.lab.run('client', ['arping', '-c', '2', '-w', '3', '-I', 'eth0', pair.vip])
  const macs = new Set(answers.match(/\[([0-9A-Fa-f:]{17})\]/g))
  expect(macs.size).toBe(1)
})

test('the real-server script undoes what it did', () => {
  const script = join(import.meta.dirname, '../../conf/real-server-dr.sh')
  const settings = () =>
    pair.lab.run('rs13', ['sysctl', '-n', 'net.ipv4.conf.all.arp_ignore', 'net.ipv4.conf.all.arp_announce'])
  expect(settings()).toBe('1\n2\n')
  pair.lab.run('rs13', [script, 'stop', pair.vip])
  expect(settings()).toBe('0\n0\n')
  expect(pair.lab.run('rs13', ['ip', 'address', 'show', 'dev', 'lo'])).not.toContain(pair.vip)
  pair.lab.run('rs13', [script, 'start', pair.vip])
})

test('adverts of 10 ms keep their cadence, and the peer stays backup', { retry: 2 }, async () => {
  const [, standby] = pair.directors
  const changeInterval = async (from: string, to: string) => {
    for (const director of pair.directors) {
      director.configure(readFileSync(director.file, 'utf8').replace(`advert_int ${from}\n`, `advert_int ${to}\n`))
      expect(await director.reload()).toEqual([])
    }
  }
  await changeInterval('0.1', '0.01')
  const capture = await Capture.start(pair.lab, 'outside')
  const transitions = standby.logText().split('Entering').length
  await sleep(3000)
  const adverts = capture.adverts().length
  capture.stop()
  await changeInterval('0.01', '0.1')
  expect(adverts).toBeGreaterThan(200)
  expect(standby.logText().split('Entering').length).toBe(transitions)
})

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
  await until('the log to say so', () => active.logText().includes('giving up mastership'))
  await active.untilState('master')
  await standby.untilState('backup')
  await sleep(500)
  // Skew time of priority 100 at 0.1 s is 61 ms; the rest is what a busy machine adds.
  expect(longestGap(await probe.report())).toBeLessThan(61 + 100)
})
