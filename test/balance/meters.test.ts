import { expect, test } from 'vitest'
import { beginMeters, ratesByRun, tickMeters } from '../../src/balance/meters.ts'
import { counters, reading, serverReading } from '../control/reading.ts'

const read = (run: number, now: number, zero = 0) =>
  reading([], [serverReading(80, 1, { counted: { run, counters: counters(now), zero: counters(zero) } })])
const packets = (meters: ReturnType<typeof beginMeters>, run: number) => ratesByRun(meters).get(run)?.inPackets

test('what was counted before the beginning is no rate', () => {
  const begun = beginMeters(read(1, 1_000_000))
  expect(packets(tickMeters(begun, read(1, 1_000_000)), 1)).toBe(0)
  expect(packets(tickMeters(begun, read(1, 1_000_800)), 1)).toBe(100) // a quarter of 400 a second
})

test('a run that begins between two ticks is measured from its beginning', () => {
  const before = tickMeters(beginMeters(read(1, 0)), read(1, 8000))
  expect(packets(before, 1)).toBe(1000)
  // A new server in the same place, and totals that were set to zero.
  expect(packets(tickMeters(before, read(2, 800)), 2)).toBe(100)
  expect(packets(tickMeters(before, read(2, 8800, 8000)), 2)).toBe(100)
})

test('what is gone is forgotten', () => {
  expect(tickMeters(beginMeters(read(1, 0)), reading([], [])).size).toBe(0)
})
