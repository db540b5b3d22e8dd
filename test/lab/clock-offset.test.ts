import { expect, test } from 'vitest'
import { ClockOffset } from '../../src/lab/clock-offset.ts'
import { millis } from '../../src/time.ts'

test('the round trip that took least tells the other clock', () => {
  const offset = new ClockOffset()
  expect(offset.here(millis(7))).toBe(7)
  // 1000 ms ahead; the answers of the slow ones came late.
  offset.add(millis(0), millis(1001), millis(50))
  offset.add(millis(100), millis(1101), millis(102))
  offset.add(millis(200), millis(1299), millis(300))
  expect(offset.here(millis(5000))).toBe(4000)
})

test('a clock that drifts is followed', () => {
  const offset = new ClockOffset()
  offset.add(millis(0), millis(1001), millis(2))
  for (let i = 1; i <= 100; i++) offset.add(millis(i * 1000), millis(i * 1000 + 2002), millis(i * 1000 + 4))
  expect(offset.here(millis(103_000))).toBe(101_000)
})
