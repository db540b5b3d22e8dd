import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Agenda } from '../../src/simulate/agenda.ts'
import { dice } from '../../src/simulate/dice.ts'
import { FAULT_KINDS } from '../../src/simulate/fault.ts'
import { World } from '../../src/simulate/world.ts'
import { siteOfFiles } from './draw-site.ts'
import { parseScenario, play, type Scenario, scenarioText } from './scenario.ts'
import { scenarioOfSeed } from './seed.ts'

const SCENARIOS = join(import.meta.dirname, '../scenarios')

describe('what has gone wrong once', () => {
  test.each(readdirSync(SCENARIOS))('%s', (file) => {
    const scenario = parseScenario(readFileSync(join(SCENARIOS, file), 'utf8'))
    expect(play(scenario).violations).toEqual([])
    expect(parseScenario(scenarioText(scenario))).toEqual(scenario)
  })
})

describe('seeds', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => 1 + i)

  test('violate nothing', () => {
    const failed = seeds.flatMap((seed) => play(scenarioOfSeed(seed)).violations.map((each) => ({ seed, ...each })))
    expect(failed).toEqual([])
  })

  test('have every kind of fault, directors from two to five, groups, owners, both versions, IPv6, unicast, and reloads that remove an instance', () => {
    const scenarios = seeds.map(scenarioOfSeed)
    const kinds = new Set(scenarios.flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect(kinds).toEqual(new Set(Object.keys(FAULT_KINDS)))
    expect(new Set(scenarios.map(({ directors }) => directors.length))).toEqual(new Set([2, 3, 4, 5]))
    const counts = scenarios.flatMap(({ directors }) =>
      directors.map(({ configs }) => new Set(configs.map((text) => text.split('vrrp_instance').length)).size),
    )
    expect(Math.max(...counts)).toBe(2)
    const texts = scenarios.flatMap(({ directors }) => directors.flatMap(({ configs }) => configs)).join('')
    for (const part of [
      'vrrp_sync_group',
      'priority 255',
      'version 2',
      'version 3',
      'unicast_peer',
      'preempt_delay',
      '2001:db8',
    ]) {
      expect(texts).toContain(part)
    }
  })

  test('come to the same history each time, and another seed to another one', () => {
    const [first, again, other] = [7, 7, 8].map((seed) => play(scenarioOfSeed(seed)).hash)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })
})

test('what is calm may be passed over: without that nothing is violated, either, and as much happens', () => {
  const scenario = scenarioOfSeed(3)
  const run = {
    site: siteOfFiles(scenario.directors),
    seed: 3,
    faults: scenario.faults,
    end: scenario.end,
    tells: false,
  }
  const [whole, short] = [false, true].map((skipsCalm) => new World({ ...run, skipsCalm }).run(false))
  expect(whole?.violations).toEqual([])
  expect(whole?.skipped).toBe(0)
  expect(short?.skipped).toBeGreaterThan(scenario.end / 2)
  expect(short?.faults).toBe(whole?.faults)
})

/** Two directors; `lines` are of both instances. */
function pair(faults: Scenario['faults'], lines: readonly [string, string] = ['', ''], end = 120_000): Scenario {
  const text = (priority: number, more: string) =>
    `vrrp_instance web {\ninterface eth0\nvirtual_router_id 51\nversion 3\npriority ${priority}\nadvert_int 1\n${more}
     virtual_ipaddress {\n10.0.0.100/24\n}\n}\n`
  const directors = [
    { name: 'a', configs: [text(150, lines[0])] },
    { name: 'b', configs: [text(100, lines[1])] },
  ]
  return { about: 'a pair', seed: 1, directors, faults, end }
}

describe('a pair', () => {
  const tallyOf = (scenario: Scenario) => {
    const outcome = play(scenario)
    expect(outcome.violations).toEqual([])
    const [router] = outcome.routers
    if (router === undefined) throw new Error('there is one router')
    return router
  }

  test('without faults has one master for good', () => {
    const { withoutMaster, withTwo, takeovers } = tallyOf(pair([]))
    expect([withoutMaster.total, withTwo.total, takeovers]).toEqual([0, 0, 0])
  })

  test('without power at the master waits for the down timer: 3 s and the skew of 156/256 s', () => {
    const { withoutMaster, takeovers } = tallyOf(pair([{ at: 20_000, kind: 'power', host: 0, lasts: 200_000 }]))
    expect(withoutMaster.longest).toBeGreaterThan(2600)
    expect(withoutMaster.longest).toBeLessThan(3620)
    expect(takeovers).toBe(1)
  })

  test('keeps its master, and its addresses, when the vrrp process is killed', () => {
    const { withoutMaster, withTwo, takeovers } = tallyOf(pair([{ at: 20_000, kind: 'crash', host: 0 }]))
    expect([withoutMaster.total, withTwo.total, takeovers]).toEqual([0, 0, 0])
  })

  test.each([
    ['failover', { kind: 'failover', host: 0, lasts: 20_000 }],
    ['maintenance', { kind: 'maintenance', host: 0, force: false, lasts: 20_000 }],
  ] as const)('is never without a master during a planned hand-over, and back: %s', (_name, trouble) => {
    const { withoutMaster, withTwo, byDirector } = tallyOf(pair([{ at: 20_000, ...trouble }]))
    expect(withoutMaster.total).toBe(0)
    expect(withTwo.longest).toBeLessThan(5)
    expect(byDirector).toEqual({ a: 2, b: 1 })
  })

  test('has no two masters for longer than a lease of 5 s when all processes of one stand still', () => {
    const { withTwo } = tallyOf(pair([{ at: 20_000, kind: 'freeze', host: 0, all: true, lasts: 60_000 }]))
    expect(withTwo.longest).toBeLessThan(5000)
  })

  test('has two masters while one does not hear the other', () => {
    const { withTwo } = tallyOf(pair([{ at: 20_000, kind: 'cut', host: 0, to: 1, segment: '0 eth0', lasts: 20_000 }]))
    expect(withTwo.longest).toBeGreaterThan(16_000)
    expect(withTwo.longest).toBeLessThan(21_100)
  })

  test.each([
    ['kill', { kind: 'kill', host: 0, release: true, lasts: 5000 }],
    ['stop', { kind: 'stop', host: 0, lasts: 5000 }],
    ['unplug', { kind: 'unplug', host: 0, interface: 'eth0', lasts: 5000 }],
    ['freeze', { kind: 'freeze', host: 0, all: true, lasts: 9000 }],
  ] as const)('takes over and back: %s', (_name, trouble) => {
    const { byDirector } = tallyOf(pair([{ at: 20_000, ...trouble }]))
    expect(byDirector['b']).toBe(1)
  })

  test('that refuses the adverts of each other is found out', () => {
    const { violations } = play(pair([], ['authentication {\nauth_type PASS\nauth_pass x\n}\nversion 2', 'version 2']))
    expect(violations.map(({ rule }) => rule)).toEqual(['two-masters'])
  })
})

test('what is due comes in the order of its time, and then in that in which it was entered', () => {
  const roll = dice(5)
  const agenda = new Agenda()
  const seen: [number, number][] = []
  for (let i = 0; i < 500; i++) {
    const at = roll(50)
    agenda.enter(at, () => seen.push([at, i]))
  }
  for (let take = agenda.take(); take !== undefined; take = agenda.take()) take()
  expect(seen).toEqual(seen.toSorted(([a, i], [b, j]) => a - b || i - j))
  expect(seen).toHaveLength(500)
})
