import { expect, test } from 'vitest'
import { RestartDelay } from '../../src/daemon/restart-delay.ts'
import { millis } from '../../src/time.ts'

/** The delays after ends at these times, each of a child that has lived for `lived` ms. */
function delays(at: readonly number[], hasWorked: boolean, lived = 800): readonly number[] {
  const delay = new RestartDelay()
  return at.map((now) => delay.ended({ now: millis(now), lived: millis(lived), hasWorked }))
}
const everySecond = (count: number) => Array.from({ length: count }, (_, i) => i * 1000)

test('one that never works is started at once, then after 1, 2, 4 … 30 s', () => {
  expect(delays(everySecond(8), false)).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('one that has worked is started at once, ten times in a minute', () => {
  expect(delays(everySecond(13), true)).toEqual([...Array.from({ length: 11 }, () => 0), 1000, 2000])
  const slowly = Array.from({ length: 40 }, (_, i) => i * 6001)
  expect(new Set(delays(slowly, true))).toEqual(new Set([0]))
})

test('one that has lived for long begins with the shortest delay', () => {
  const delay = new RestartDelay()
  const end = (lived: number) => delay.ended({ now: millis(0), lived: millis(lived), hasWorked: false })
  expect([end(100), end(100), end(10_001), end(100)]).toEqual([0, 1000, 0, 1000])
})
