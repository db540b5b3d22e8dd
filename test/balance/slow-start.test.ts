import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextRise, noSlowStarts, type Rise, risenWeight, stepSlowStarts } from '../../src/balance/slow-start.ts'
import { millis, seconds } from '../../src/time.ts'

describe('who starts slowly', () => {
  /** `a b- c?` is a server that is up, one that is down, and one that nobody knows anything of. Who rises, and since when, in seconds. */
  function story(...steps: readonly (readonly [at: number, servers: string])[]): string[] {
    let state = noSlowStarts
    return steps.map(([at, text]) => {
      const starters = text.split(' ').map((word) => ({
        name: word.replace(/[-?]$/, ''),
        over: seconds(10),
        state: word.endsWith('-') ? ('down' as const) : word.endsWith('?') ? ('unsure' as const) : ('up' as const),
      }))
      state = stepSlowStarts(state, starters, seconds(at))
      return [...state.rising].map(([name, { since }]) => `${name}${since / 1000}`).join(' ')
    })
  }

  test('one that was found down, for so long as it takes', () => {
    expect(story([0, 'a b'], [1, 'a- b'], [5, 'a b'], [14.9, 'a b'], [15, 'a b'])).toEqual(['', '', 'a5', 'a5', ''])
  })

  test('not one that is up for the first time, whatever it was taken for before', () => {
    expect(story([0, 'a? b?'], [1, 'a b'])).toEqual(['', ''])
  })

  test('from the beginning when it fails in the middle', () => {
    expect(story([0, 'a-'], [1, 'a'], [5, 'a-'], [6, 'a'])).toEqual(['', 'a1', '', 'a6'])
  })

  test('not one whose failure is not believed: it has never been away', () => {
    expect(story([0, 'a-'], [1, 'a?'], [2, 'a'])).toEqual(['', '', ''])
  })

  test('what is not configured any more is forgotten', () => {
    expect(story([0, 'a- b-'], [1, 'b'], [2, 'a b'])).toEqual(['', 'b1', 'b1'])
  })

  test('another time, which a reload brings, counts from the same moment', () => {
    const down = stepSlowStarts(noSlowStarts, [{ name: 'a', over: seconds(10), state: 'down' }], seconds(0))
    const up = stepSlowStarts(down, [{ name: 'a', over: seconds(10), state: 'up' }], seconds(1))
    const longer = stepSlowStarts(up, [{ name: 'a', over: seconds(60), state: 'up' }], seconds(5))
    expect([...longer.rising]).toEqual([['a', { since: seconds(1), over: seconds(60) }]])
    expect(stepSlowStarts(longer, [{ name: 'a', over: seconds(3), state: 'up' }], seconds(5)).rising.size).toBe(0)
  })
})

/** Each weight on the way, and how long it holds, in ms. */
function way(weight: number, over: number, since = 0): [weight: number, ms: number][] {
  const rise: Rise = { since: millis(since), over: millis(over) }
  const steps: [number, number][] = []
  let now = rise.since
  for (;;) {
    const next = nextRise(weight, rise, now)
    steps.push([risenWeight(weight, rise, now), (next ?? Infinity) - now])
    if (next === undefined) return steps
    now = next
  }
}

describe('the weight on the way', () => {
  test('has a step a second', () => {
    expect(way(10, 4000)).toEqual([
      [2, 1000],
      [4, 1000],
      [6, 1000],
      [8, 1000],
      [10, Infinity],
    ])
  })

  test('is at least 1, and stands still where a step is less than 1', () => {
    expect(way(2, 4000)).toEqual([
      [1, 4000],
      [2, Infinity],
    ])
    expect(way(1, 4000)).toEqual([[1, Infinity]])
  })

  test('is 0 where it is 0', () => {
    expect(way(0, 4000)).toEqual([[0, Infinity]])
  })

  test('grows to the whole in at most a hundred steps of a second at least, and no step is missed or empty', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 86_400_000 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (weight, over, since) => {
          const steps = way(weight, over, since)
          const weights = steps.map(([each]) => each)
          expect(steps.length).toBeLessThanOrEqual(101)
          expect(weights[0]).toBeGreaterThan(0)
          expect(weights.at(-1)).toBe(weight)
          expect(weights).toEqual([...new Set(weights)].toSorted((a, b) => a - b))
          // A millisecond is lost or won by whole ones at each end.
          for (const [, ms] of steps) expect(ms).toBeGreaterThan(Math.min(over / 2, 500) - 2)
          const all = steps.slice(0, -1).reduce((sum, [, ms]) => sum + ms, 0)
          if (weight > 1) expect(Math.abs(all - over)).toBeLessThan(2)
        },
      ),
    )
  })
})
