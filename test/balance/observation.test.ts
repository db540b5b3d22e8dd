import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  failedLately,
  heldUntil,
  nothingObserved,
  type ObservationState,
  type Observed,
  stepObservation,
} from '../../src/balance/observation.ts'
import { millis } from '../../src/time.ts'

const RULE = { failures: 4, within: millis(10_000) }

/** [opened, failed] of each server in each step, a second apart; who is held then. */
function held(steps: readonly Record<string, readonly [opened: number, failed: number, serves?: boolean]>[]): string[] {
  let state: ObservationState = nothingObserved
  return steps.map((step, i) => {
    const observed = Object.entries(step).map(([name, [opened, failed, serves = true]]) => ({
      name,
      serves,
      opened,
      failed,
    }))
    state = stepObservation(RULE, state, observed, millis(i * 1000))
    return [...state.servers.keys()].filter((name) => heldUntil(state, name) !== undefined).join()
  })
}

describe('who is held down', () => {
  test('a server that fails as many as that, and more than half, while another does not', () => {
    expect(
      held([
        { a: [0, 0], b: [0, 0] },
        { a: [3, 3], b: [3, 0] },
        { a: [5, 4], b: [5, 0] },
      ]),
    ).toEqual(['', '', 'a'])
    expect(
      held([
        { a: [0, 0], b: [0, 0] },
        { a: [8, 4], b: [8, 0] },
      ]),
    ).toEqual(['', ''])
  })

  test('what was there before the first look does not count', () => {
    expect(held([{ a: [900, 900], b: [900, 0] }])).toEqual([''])
  })

  test('not when all fail, or no other serves', () => {
    expect(
      held([
        { a: [0, 0], b: [0, 0] },
        { a: [9, 9], b: [9, 8] },
      ]),
    ).toEqual(['', ''])
    expect(
      held([
        { a: [0, 0], b: [0, 0, false] },
        { a: [9, 9], b: [0, 0, false] },
      ]),
    ).toEqual(['', ''])
  })

  test('two of three at once', () => {
    expect(
      held([
        { a: [0, 0], b: [0, 0], c: [0, 0] },
        { a: [9, 9], b: [9, 9], c: [9, 0] },
      ]),
    ).toEqual(['', 'a,b'])
  })

  test('failures that are too far apart', () => {
    const steps = Array.from({ length: 60 }, (_, i) => {
      const failed = Math.floor(i / 4)
      return { a: [failed, failed], b: [i, 0] } as const
    })
    expect(new Set(held(steps))).toEqual(new Set(['']))
  })

  test('for as long as the rule says, and then with a clean slate', () => {
    const steps = [
      { a: [0, 0], b: [0, 0] } as const,
      ...Array.from({ length: 30 }, () => ({ a: [5, 5], b: [5, 0] }) as const),
    ]
    const is = held(steps)
    expect(is.indexOf('a')).toBe(1)
    expect(is.lastIndexOf('a')).toBe(10)
    expect(is.slice(11)).toEqual(Array(20).fill(''))
  })

  test('counts that begin anew are no failures', () => {
    expect(
      held([
        { a: [100, 100], b: [0, 0] },
        { a: [10, 10], b: [9, 0] },
        { a: [10, 10], b: [9, 0] },
      ]),
    ).toEqual(['', '', ''])
  })
})

test('what is kept is bounded, and somebody who serves is always left', () => {
  const step = fc.array(fc.tuple(fc.nat(50), fc.nat(50), fc.boolean()), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 3000 })), { maxLength: 200 }), (steps) => {
      let state = nothingObserved
      let now = 0
      const totals = [0, 1, 2].map(() => ({ opened: 0, failed: 0 }))
      for (const [each, gap] of steps) {
        now += gap
        const observed = each.map(([opened, failed, serves], i): Observed => {
          const total = totals[i] ?? { opened: 0, failed: 0 }
          total.opened += opened
          total.failed += Math.min(opened, failed)
          return { name: `${i}`, serves, ...total }
        })
        const before = state
        state = stepObservation(RULE, state, observed, millis(now))
        for (const { samples } of state.servers.values()) expect(samples.length).toBeLessThanOrEqual(13)
        const fresh = observed.filter(
          ({ name }) => heldUntil(state, name) !== undefined && heldUntil(before, name) === undefined,
        )
        if (fresh.length > 0)
          expect(observed.some(({ name, serves }) => serves && heldUntil(state, name) === undefined)).toBe(true)
        for (const { name } of fresh) expect(failedLately(state, name).failed).toBeGreaterThanOrEqual(RULE.failures)
      }
    }),
  )
})
