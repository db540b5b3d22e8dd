import { expect, test } from 'vitest'
import { dice } from '../../src/simulate/dice.ts'
import { quantile, spread } from '../../src/drill/quantiles.ts'
import { expectedByDelay, expectedByLoss } from './takeover-odds.ts'

test('as many take-overs are expected as runs of lost adverts are drawn', () => {
  const [p, count, adverts] = [0.3, 3, 2_000_000]
  const roll = dice(7)
  let [row, seen] = [0, 0]
  for (let i = 0; i < adverts; i++) {
    row = roll(1_000_000) < p * 1_000_000 ? row + 1 : 0
    if (row < count) continue
    seen++
    row = 0
  }
  const hours = (adverts * 100) / 3_600_000
  expect(seen / hours / expectedByLoss(p, count, 100)).toBeCloseTo(1, 1)
})

test('no advert is expected to be too late unless one can be', () => {
  // 3.61 intervals of 100 ms without an advert: one in time, and the next one 261 ms late.
  expect(expectedByDelay(260, 3, 100, 100)).toBe(0)
  expect(expectedByDelay(2000, 3, 100, 100)).toBeGreaterThan(100)
  expect(expectedByDelay(2000, 6, 100, 100)).toBeLessThan(expectedByDelay(2000, 3, 100, 100))
})

test('a quantile is a value that was measured', () => {
  const values = Array.from({ length: 30 }, (_, i) => 30 - i)
  expect(spread(values)).toEqual({ min: 1, median: 15, p95: 29, max: 30 })
  expect(quantile([], 0.5)).toBeNaN()
})
