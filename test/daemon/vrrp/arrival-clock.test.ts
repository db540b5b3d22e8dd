import { expect, test } from 'vitest'
import { ArrivalClock, type Moment } from '../../../src/daemon/vrrp/arrival-clock.ts'
import { millis } from '../../../src/time.ts'

const EPOCH = 1_700_000_000_000

/** The clock after the wall clock has been set by `step` ms; `steady` goes on. */
function clockAfter(step: number): ArrivalClock {
  const moments: Moment[] = [
    { wall: EPOCH + 1000, steady: millis(1000) },
    { wall: EPOCH + 2000 + step, steady: millis(2000) },
  ]
  const clock = new ArrivalClock(() => moments.shift() ?? expect.fail('one look too many'))
  expect(clock.look()).toBe(2000)
  return clock
}

test.each([
  ['a packet that waited', 0, EPOCH + 1900, 1900],
  ['one that has just come', 0, EPOCH + 2000, 2000],
  ['one without a stamp', 0, undefined, 2000],
  ['one from before the clock was set forward by an hour', 3_600_000, EPOCH + 1900, 1900],
  ['one from after that', 3_600_000, EPOCH + 3_601_950, 1950],
  ['one from before the clock was set back by an hour', -3_600_000, EPOCH + 1900, 1900],
  ['one from after that, too', -3_600_000, EPOCH - 3_598_050, 1950],
  ['a stamp that cannot be', 0, EPOCH - 5000, 2000],
  ['a stamp of the future', 0, EPOCH + 9000, 2000],
])('%s', (_name, step, stampedAt, expected) => {
  expect(clockAfter(step).arrivedAt(stampedAt, millis(1500))).toBe(expected)
})
