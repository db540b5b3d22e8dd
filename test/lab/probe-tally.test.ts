import { expect, test } from 'vitest'
import { PATIENCE, ProbeTally } from '../../src/lab/probe-tally.ts'
import { millis } from '../../src/time.ts'

/** A probe each ms from 1000 on, answered at once but for these numbers. */
function tallyOf(count: number, isLost: (number: number) => boolean): ProbeTally {
  const tally = new ProbeTally()
  for (let i = 0; i < count; i++) {
    const now = millis(1000 + i)
    tally.send(now)
    if (!isLost(i)) tally.answer(i, now, millis(1))
    tally.judge(now, millis(1))
  }
  tally.judge(millis(1000 + count + PATIENCE + 1), millis(0))
  return tally
}

test('a run of lost numbers is a gap from the last answered one to the next, less the period', () => {
  const { sent, from, to, gaps } = tallyOf(10_000, (i) => (i >= 100 && i < 400) || i === 9000).record('udp', 'x')
  expect({ sent, from, to }).toEqual({ sent: 10_000, from: 1000, to: 10_999 })
  expect(gaps).toEqual([
    { at: 1099, ms: 300, lost: 300 },
    { at: 9999, ms: 1, lost: 1 },
  ])
})

test('losses at the beginning and at the end are gaps', () => {
  const { gaps } = tallyOf(100, (i) => i < 10 || i >= 90).record('udp', 'x')
  expect(gaps).toEqual([
    { at: 1000, ms: 9, lost: 10 },
    { at: 1089, ms: 9, lost: 10 },
  ])
})

test('what is not answered in time is lost, unless it lay there while the probe had no turn', () => {
  const tally = new ProbeTally()
  for (let i = 0; i < 3; i++) tally.send(millis(1000 + i))
  tally.answer(0, millis(1010), millis(1))
  tally.answer(1, millis(1001 + PATIENCE + 10), millis(1))
  tally.answer(2, millis(1002 + PATIENCE + 10), millis(20))
  tally.judge(millis(2000), millis(0))
  expect(tally.record('udp', 'x').gaps).toEqual([{ at: 1000, ms: 1, lost: 1 }])
})

test('an answer for no number, or for one that was judged, changes nothing', () => {
  const tally = tallyOf(10, (i) => i === 5)
  tally.answer(5, millis(1005), millis(0))
  tally.answer(4_000_000_000, millis(1005), millis(0))
  expect(tally.record('udp', 'x').gaps).toHaveLength(1)
})
