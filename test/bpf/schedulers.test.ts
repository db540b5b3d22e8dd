import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ReferenceService } from '../support/reference-schedulers.ts'
import type { Scheduler, SchedulerFlags } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'
import { Bench, NAME, VIP } from './bench.ts'
import { runHistories } from './histories.ts'
import { FLAG, tcp, udp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const flags = (text: string): SchedulerFlags => ({
  port: text.includes('port'),
  fallback: text.includes('fallback'),
  third: false,
})

/** The letters that the reference picks, the first server that was added being A. */
function reference(scheduler: Scheduler, weights: readonly number[], flag: string, clients: readonly string[]): string {
  const service = new ReferenceService(scheduler, flags(flag))
  for (const [i, weight] of weights.entries()) service.add({ address: ip(`192.168.1.${11 + i}`), port: 8080, weight })
  const picked = clients.map((address, i) =>
    service.open({ address: ip(address), port: 20_000 + i, destination: ip(VIP) }),
  )
  return picked.map((server) => (server === undefined ? '-' : letter(server.address))).join('')
}

const letter = (address: string) => String.fromCodePoint(65 + Number(address.split('.').at(-1)) - 11)

describe('what a real LVS kernel has picked', () => {
  test.each<[Scheduler, number[], string]>([
    ['rr', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['rr', [10, 0, 5, 20], 'DCADCADCADCADCADCADC'],
    ['wrr', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['wrr', [1, 2, 3], 'CBACCBCBACCBCBAC'],
    ['wrr', [4, 3, 2], 'CBAABACBACBAABAC'],
    ['wrr', [10, 0, 5, 20], 'DCADDDADCADDDADCADDD'],
    ['lc', [1, 2, 3], 'CBACBACBACBACBAC'],
    ['wlc', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['wlc', [1, 2, 3], 'CBACBCCBACBCCBAC'],
    ['wlc', [4, 3, 2], 'CBAABCABACBAABCA'],
    ['wlc', [10, 0, 5, 20], 'DCADDADDCADDADDCADDA'],
    ['sed', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['sed', [1, 2, 3], 'CBCCBACBCCBACBCC'],
    ['sed', [4, 3, 2], 'ABCABACBAABCABAC'],
    ['sed', [10, 0, 5, 20], 'DDADDCADDADDCADDADDC'],
    ['nq', [1, 2, 3], 'CBACCBCBCCBACBCC'],
    ['nq', [4, 3, 2], 'CBAABACBAABCABAC'],
    ['nq', [10, 0, 5, 20], 'DCADDDADDADDCADDADDC'],
    ['fo', [1, 1, 1], 'CCCCCCCC'],
    ['fo', [4, 3, 2], 'AAAAAAAA'],
    ['fo', [10, 0, 5, 20], 'DDDDDDDD'],
    ['ovf', [1, 1, 1], 'CCBBAA----------'],
    ['ovf', [1, 2, 3], 'CCCCBBBAA-------'],
    ['ovf', [4, 3, 2], 'AAAAABBBBCCC----'],
  ])('%s with weights %j: %s', (scheduler, weights, expected) => {
    const clients = Array.from(expected, () => '10.0.9.1')
    expect(reference(scheduler, weights, '', clients)).toBe(expected)
    bench.serve(weights, { scheduler })
    expect(clients.map((address, i) => bench.pick(20_000 + i, address)).join('')).toBe(expected)
  })

  test.each<[Scheduler, number[], string, string]>([
    ['sh', [1, 2, 3], '', 'BCCACACCCCCCBCBABBCBCBAC'],
    ['sh', [1, 2, 3], 'port', 'CCCABBBCCCCBBCCAAABBCCCC'],
    ['sh', [1, 0, 2], '', 'C-CCACAC-C-CCACAC-C-CCAC'],
    ['sh', [1, 0, 2], 'fallback', 'CCCCACACCCCCCACACCCCCCAC'],
    ['mh', [1, 2, 3], '', 'CCCBCCBCBBBCACCCCCCCBACB'],
    ['mh', [1, 2, 3], 'port', 'BBCCCCCCACBBAACBCCABBBCB'],
    ['mh', [1, 1, 1, 1], '', 'CACBDDBCDBBCACCACCCCBADB'],
  ])('%s with weights %j %s: %s', (scheduler, weights, flag, expected) => {
    const clients = Array.from(expected, (_, i) => `10.0.9.${i + 1}`)
    expect(reference(scheduler, weights, flag, clients)).toBe(expected)
    bench.serve(weights, { scheduler, flags: flags(flag) })
    expect(clients.map((address, i) => bench.pick(20_000 + i, address)).join('')).toBe(expected)
  })
})

/** Histories of each scheduler; `npm run test:bpf` compares 200, `npm run histories` 10 000. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 50)

describe(`the loaded program and the reference agree, ${HISTORIES} histories each`, () => {
  test.each<[Scheduler, string]>([
    ['rr', ''],
    ['wrr', ''],
    ['lc', ''],
    ['wlc', ''],
    ['sed', ''],
    ['nq', ''],
    ['fo', ''],
    ['ovf', ''],
    ['dh', ''],
    ['sh', ''],
    ['sh', 'port fallback'],
    ['mh', ''],
    ['mh', 'port fallback'],
    ['lblc', ''],
    ['lblcr', ''],
    ['twos', ''],
  ])(
    '%s %s',
    (scheduler, flag) => {
      expect(runHistories(bench, { scheduler, schedulerFlags: flags(flag) }, 1, HISTORIES)).toBeUndefined()
    },
    3_600_000,
  )
})

test('lblcr gives up the busiest server of a destination after a day without change, and forgets what nobody asks for', () => {
  const kind = { scheduler: 'lblcr', id: { by: 'fwmark', mark: 1, family: 'inet' } } as const
  const servers = [11, 12].map((host) => ({
    endpoint: { address: ip(`192.168.1.${host}`), port: 8080 },
    forwarding: { method: 'NAT' as const },
    weight: 2,
    fullWeight: 2,
    thresholds: { upper: 0, lower: 0 },
  }))
  bench.lay(servers, kind)
  let port = 1
  const open = () => {
    const ends = { source: ['10.0.9.1', port++], destination: [VIP, 80] } as const
    const { packet } = bench.send(tcp(ends, FLAG.syn), 1)
    bench.send(tcp(ends, FLAG.ack))
    return letter(packet.ends.destination[0])
  }
  // The first server until it is busy while the other one is idle; then both, the less busy one first.
  expect(Array.from({ length: 6 }, open).join('')).toBe('BBBAAA')
  bench.wait(50_000).core.sweep()
  expect(open()).toBe('A')
  bench.wait(50_000).core.sweep()
  expect([open(), open()]).toEqual(['A', 'B'])
  bench.wait(90_000).core.sweep()
  expect(open()).toBe('B')
})

test('twos: shares by weight, and of two servers the one with less to do', () => {
  bench.serve([1, 1, 8], { scheduler: 'twos', protocol: 'UDP' })
  const counts = { A: 0, B: 0, C: 0 }
  for (let port = 1001; port <= 3000; port++) {
    const { packet } = bench.send(udp({ source: ['10.0.9.1', port], destination: [VIP, 80] }))
    counts[letter(packet.ends.destination[0]) as 'A' | 'B' | 'C']++
  }
  expect(counts.C).toBeGreaterThan(1300)
  expect(Math.min(counts.A, counts.B)).toBeGreaterThan(100)
  const service = new ReferenceService('twos')
  for (const [i, weight] of [1, 1, 8].entries()) service.add({ address: ip(`192.168.1.${11 + i}`), port: 80, weight })
  const draw = (...draws: readonly [number, number]) =>
    letter(service.open({ address: ip('10.0.9.1'), port: 1, destination: ip(VIP), draws })?.address ?? '')
  // C (8), B (1), A (1): the draws choose C and B, of which B has less to do by weight once C has nine.
  expect(Array.from({ length: 10 }, () => draw(1, 9)).join('')).toBe('CBCCCCCCCC')
  expect(draw(10, 10)).toBe('A')
})

test('rr: processors that pick at the same time all find the one server that can serve', async () => {
  const TIMES = 30_000
  const servers = [0, 0, 1, 0].map((weight, i) => ({
    endpoint: { address: ip(`192.168.1.${11 + i}`), port: 53 },
    forwarding: { method: 'NAT' as const },
    weight,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  bench.lay(servers, { scheduler: 'rr', protocol: 'UDP', port: 53, onePacket: true })
  const script = join(import.meta.dirname, '../support/hammer-process.ts')
  const hammers = [1, 2].map(() => fork(script, [NAME, String(TIMES)]))
  await Promise.all(hammers.map((hammer) => once(hammer, 'message')))
  const ended = Promise.all(hammers.map((hammer) => once(hammer, 'exit')))
  for (const hammer of hammers) hammer.send('go')
  expect(await ended).toEqual([
    [0, null],
    [0, null],
  ])
  expect(bench.counters('service').connections).toBe(BigInt(2 * TIMES))
  expect(bench.core.drops()['no-destination']).toBe(0n)
})
