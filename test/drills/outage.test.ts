import { expect, test } from 'vitest'
import { isWithin, lossOf, lostNothing } from './outage.ts'

const LIMIT_MS = 3810
const quiet = { lost: 0, ms: 3 }
const busy = { lost: 4, ms: 188 }

test('an outage is judged against what is promised and the noise of the same time, and no more', () => {
  const seen = { sent: 9000, lost: 3900, gap: 3900 }
  expect(isWithin(LIMIT_MS, { ...seen, noise: busy })).toBe(true)
  expect(isWithin(LIMIT_MS, { ...seen, noise: quiet })).toBe(false)
  expect(isWithin(LIMIT_MS, { ...seen, gap: 6000, noise: busy })).toBe(false)
  expect(lostNothing({ ...seen, lost: 4, noise: busy })).toBe(true)
  expect(lostNothing({ ...seen, lost: 5, noise: busy })).toBe(false)
  expect(lostNothing({ ...seen, lost: 1, noise: quiet })).toBe(false)
})

test('noise is said where there is some', () => {
  const seen = { sent: 100, lost: 2, gap: 30 }
  expect(lossOf({ ...seen, noise: quiet })).toBe('2 of 100 probes lost, longest gap 30 ms')
  expect(lossOf({ ...seen, noise: busy })).toBe(
    "2 of 100 probes lost, longest gap 30 ms (this machine's own noise: 4 lost, 188 ms)",
  )
})
