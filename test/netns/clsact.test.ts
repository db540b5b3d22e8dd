import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { buildPair, distribution, type Pair } from '../support/pair.ts'

/** Kernels before 6.6 (Debian 12 has 6.1) have no tcx. */
let pair: Pair
let director: DirectorHost
beforeAll(async () => {
  pair = await buildPair('nat')
  const config = readFileSync(pair.directors[0].file, 'utf8')
  director = new DirectorHost(pair.lab, 'director1', config, ['--hook', 'clsact', '--grace', '0'])
  await director.start()
  await director.untilState('master')
})
afterAll(() => pair.lab.destroy())

const filters = (device: string) =>
  pair.lab.run('director1', ['tc', 'filter', 'show', 'dev', device, 'ingress']).split('direct-action').length - 1

test('traffic is forwarded by programs on clsact, and nothing is on tcx', () => {
  expect([filters('eth0'), filters('eth1')]).toEqual([1, 1])
  expect(pair.lab.run('director1', ['bpftool', 'net', 'show', 'dev', 'eth0'])).not.toContain('tcx')
  expect(distribution(pair, 12)).toEqual({ rs11: 2, rs12: 4, rs13: 6 })
})

test('a restart after kill -9 replaces the programs in place', async () => {
  await director.killAll()
  expect(distribution(pair, 12)).toEqual({ rs11: 2, rs12: 4, rs13: 6 })
  await director.start()
  await director.untilState('master')
  expect([filters('eth0'), filters('eth1')]).toEqual([1, 1])
  expect(distribution(pair, 12)).toEqual({ rs11: 2, rs12: 4, rs13: 6 })
})

test('a stop without grace takes them off', async () => {
  await director.stop()
  expect([filters('eth0'), filters('eth1')]).toEqual([0, 0])
})
