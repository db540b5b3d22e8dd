import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPair, distribution, type Pair } from '../support/pair.ts'

const SCRIPTS = join(import.meta.dirname, '../../conf')

let pair: Pair
beforeAll(async () => {
  pair = await buildPair('dr')
  for (const { host } of pair.servers) {
    pair.lab.run(host, [join(SCRIPTS, 'real-server-dr.sh'), 'stop', pair.vip])
    pair.lab.run(host, [join(SCRIPTS, 'real-server-tun.sh'), 'start', pair.vip, 'eth0'])
  }
  const [director] = pair.directors
  const config = readFileSync(director.file, 'utf8')
    .replaceAll('advert_int 1\n', 'advert_int 0.1\n')
    .replaceAll('lb_kind DR', 'lb_kind TUN')
  director.configure(`${config}
virtual_server ${pair.vip} 5201 {
  lb_algo rr
  lb_kind TUN
  protocol TCP
  real_server 172.18.100.11 5201 { PING_CHECK { } }
}
`)
  await director.start()
  await director.untilState('master')
})
afterAll(() => pair.lab.destroy())

test('requests are shared by weight, and the answers do not pass the director', async () => {
  expect(distribution(pair, 12)).toEqual({ rs11: 2, rs12: 4, rs13: 6 })
  const [web] = (await pair.directors[0].status()).services
  expect(web?.counters.connections).toBe(12)
  expect(web?.counters.outPackets).toBe(0)
})

test('a client with full segments learns that there is less room, and bulk data flows', async () => {
  pair.lab.start('rs11', ['iperf3', '-s', '-1'])
  await sleep(500)
  const json = pair.lab.run('client', ['iperf3', '-c', pair.vip, '-t', '2', '-J'])
  const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number } } }
  // A path where single full-size segments are lost stands still at a few kilobytes.
  expect(end.sum_received.bits_per_second).toBeGreaterThan(50e6)
})

test('the real-server script undoes what it did', () => {
  pair.lab.run('rs13', [join(SCRIPTS, 'real-server-tun.sh'), 'stop', pair.vip, 'eth0'])
  expect(pair.lab.run('rs13', ['ip', 'address', 'show', 'dev', 'lo'])).not.toContain(pair.vip)
  expect(pair.lab.run('rs13', ['tc', 'filter', 'show', 'dev', 'eth0', 'ingress'])).toBe('')
})
