import { describe, expect, test } from 'vitest'
import type { Track, TrackerKind } from '../../src/model/tracking.ts'
import { emptyEngine, type LinkStatus, type TrackedState } from '../../src/vrrp/state.ts'
import { consequenceOf, effectivePriority, trackedOf } from '../../src/vrrp/trackers.ts'
import { millis } from '../../src/time.ts'
import { anInstance } from './instances.ts'
import { aResult } from './story.ts'

const track = (kind: TrackerKind, name: string, weight: number, reverse = false): Track => ({
  kind,
  name,
  weight,
  reverse,
})

describe('the effective priority', () => {
  const weights = (...all: readonly number[]) => all.map((by) => ({ consequence: { type: 'weight', by } as const }))

  test.each([
    ['is that of the configuration without trackers', 100, [], 100],
    ['is raised and lowered by the sum of all weights', 100, [20, -30, 5], 95],
    ['is not moved by a weight of 0', 100, [0], 100],
    ['is at least 1, since 0 means farewell', 100, [-100], 1],
    ['is at least 1, whatever the sum', 100, [-253, -253, 100], 1],
    ['is at most 254, since 255 is the owner of the addresses', 200, [100], 254],
    ['of the owner stays 255', 255, [-50], 255],
  ])('%s', (_name, priority, all, expected) => {
    expect(effectivePriority({ priority }, weights(...all))).toBe(expected)
  })

  test('does not hang on the order of the results, and is clamped only at the end', () => {
    expect(effectivePriority({ priority: 200 }, weights(100, -100))).toBe(200)
    expect(effectivePriority({ priority: 200 }, weights(-100, 100))).toBe(200)
  })

  test('is not moved by a tracker that reports a fault, or that says nothing yet', () => {
    const consequences = [{ consequence: { type: 'fault' } }, { consequence: { type: 'wait' } }] as const
    expect(effectivePriority({ priority: 100 }, consequences)).toBe(100)
  })
})

describe('what comes of a tracker', () => {
  test.each<[number, boolean, TrackedState, number | 'fault' | 'wait']>([
    [0, false, 'good', 0],
    [0, false, 'bad', 'fault'],
    [0, true, 'good', 'fault'],
    [0, true, 'bad', 0],
    [0, false, 'unknown', 'wait'],
    [0, true, 'unknown', 'wait'],
    [20, false, 'good', 20],
    [20, false, 'bad', 0],
    [20, false, 'unknown', 0],
    [20, true, 'good', -20],
    [20, true, 'bad', 0],
    [-20, false, 'good', 0],
    [-20, false, 'bad', -20],
    [-20, false, 'unknown', 0],
    [-20, true, 'bad', 20],
    [-20, true, 'good', 0],
    // Numbers of files.
    [0, false, 0, 0],
    [0, false, 7, 'fault'],
    [0, false, -7, 'fault'],
    [0, true, 0, 'fault'],
    [0, true, 7, 0],
    [1, false, 0, 0],
    [1, false, 30, 30],
    [2, false, -30, -60],
    [2, true, -30, 60],
    [1, true, 30, -30],
    [1, false, -253, -253],
    [1, false, -254, 'fault'],
    [-1, false, 300, 'fault'],
    [1, true, 300, 'fault'],
    [1, false, 1000, 254],
    [2_147_483_647, false, 2_147_483_647, 254],
  ])('weight %d, reverse %s, %s: %s', (weight, reverse, state, expected) => {
    const consequence = typeof expected === 'number' ? { type: 'weight', by: expected } : { type: expected }
    expect(consequenceOf(track('file', 'x', weight, reverse), state)).toEqual(consequence)
  })
})

describe('what an instance hangs on', () => {
  const links = new Map<string, LinkStatus>(
    (['up', 'down', 'missing'] as const).map((state) => {
      return [state, { state, since: millis(0), index: 1, seenUp: true, changesAt: undefined }]
    }),
  )
  const known = { ...emptyEngine, links }

  test('an interface is good while it is up', () => {
    const tracks = ['up', 'down', 'missing', 'unheard'].map((name) => track('interface', name, 10))
    expect(trackedOf(anInstance({ tracks }), known).map(({ state }) => state)).toEqual([
      'good',
      'bad',
      'bad',
      'unknown',
    ])
  })

  test('results count by kind and name', () => {
    const results = new Map([['script x', { ...aResult('script', 'x', false), since: 0 }]])
    const tracks = [track('script', 'x', -10), track('process', 'x', -10)]
    expect(trackedOf(anInstance({ tracks }), { ...known, results }).map(({ state }) => state)).toEqual([
      'bad',
      'unknown',
    ])
  })

  test('what the group tracks, too: each once, by the weight of the group unless its own decides about fault', () => {
    const tracks = [track('script', 'x', 0), track('script', 'y', 5), track('script', 'z', 6)]
    const shared = [track('script', 'x', 7), track('script', 'y', 8), track('script', 'w', 9)]
    const groups = [{ name: 'g', instances: ['a'], tracks: shared }]
    const found = trackedOf(anInstance({ tracks }), { ...known, groups })
    expect(found.map(({ name, weight, from }) => [name, weight, from])).toEqual([
      ['x', 0, 'instance'],
      ['z', 6, 'instance'],
      ['y', 8, 'group'],
      ['w', 9, 'group'],
    ])
  })
})
