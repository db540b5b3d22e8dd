import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type History, note, type SeenState, seenIn } from '../../src/balance/availability.ts'
import { ABSENCES, type Absence, beginOf, withAbsence } from '../../src/balance/observed-time.ts'
import { type Millis, millis, seconds } from '../../src/time.ts'

const LONG = seconds(1e9)
const ROOMY = { keep: LONG, limit: 10_000 }

/** One entry a second. */
type Seconds = readonly SeenState[]

const parts = fc.array(
  fc.record({ state: fc.constantFrom<SeenState>('up', 'down', 'unknown'), length: fc.integer({ min: 1, max: 20 }) }),
  { minLength: 1, maxLength: 40 },
)
const secondsOf = (all: readonly { state: SeenState; length: number }[]): Seconds =>
  all.flatMap(({ state, length }) => Array.from({ length }, () => state))

function historyOf(all: Seconds, bounds = ROOMY): History {
  let history: History | undefined
  for (const [at, state] of all.entries()) history = note(history, state, seconds(at), bounds)
  if (history === undefined) throw new Error('nothing was noted')
  return history
}

/** By looking at each second. */
function counted(all: Seconds, from: number): { up: number; down: number; failures: number } {
  let [up, down, failures] = [0, 0, 0]
  let last: SeenState | undefined
  for (const state of all.slice(from)) {
    if (state === 'up') up++
    if (state === 'down') down++
    if (state === 'down' && last !== 'down') failures++
    if (state !== 'unknown') last = state
  }
  return { up: up * 1000, down: down * 1000, failures }
}

describe('what was seen', () => {
  test('in any stretch of time is what a look at each second counts', () => {
    fc.assert(
      fc.property(parts, fc.nat(900), (drawn, begin) => {
        const all = secondsOf(drawn)
        const from = Math.min(begin, all.length)
        const { up, down, failures } = seenIn(historyOf(all), seconds(from), seconds(all.length))
        expect({ up: Math.round(up), down: Math.round(down), failures }).toEqual(counted(all, from))
      }),
      { numRuns: 2000 },
    )
  })

  test('with few periods is right as a whole, and about a part by no more than the period that the part begins in', () => {
    fc.assert(
      fc.property(parts, fc.nat(900), fc.integer({ min: 1, max: 6 }), (drawn, begin, limit) => {
        const all = secondsOf(drawn)
        const now = seconds(all.length)
        const history = historyOf(all, { keep: LONG, limit })
        expect(history.periods.length).toBeLessThanOrEqual(limit)
        const whole = seenIn(history, millis(0), now)
        expect({ ...whole, up: Math.round(whole.up), down: Math.round(whole.down) }).toEqual(counted(all, 0))
        const from = seconds(Math.min(begin, all.length))
        const cut = history.periods.find((each) => each.from < from && from < each.to)
        const bound = cut === undefined ? 1 : cut.to - cut.from
        const part = seenIn(history, from, now)
        const exact = counted(all, from / 1000)
        expect(Math.abs(part.down - exact.down)).toBeLessThanOrEqual(bound)
        expect(Math.abs(part.up - exact.up)).toBeLessThanOrEqual(bound)
        if (cut === undefined) expect(part.failures).toBe(exact.failures)
      }),
      { numRuns: 2000 },
    )
  })

  test('of a server that goes up and down for 30 days is good to a part in a hundred, in 256 periods', () => {
    const [month, step, limit] = [30 * 24 * 3600, 30, 256]
    const isDown = (at: number) => (at / step) % 2 === 1 && (at / 3600) % 2 < 1
    let history: History | undefined
    for (let at = 0; at < month; at += step) {
      history = note(history, isDown(at) ? 'down' : 'up', seconds(at), { keep: seconds(month), limit })
    }
    if (history === undefined) throw new Error('nothing was noted')
    for (const span of [3600, 24 * 3600, month]) {
      let down = 0
      for (let at = month - span; at < month; at += step) if (isDown(at)) down += step
      const seen = seenIn(history, seconds(month - span), seconds(month))
      expect(Math.abs(seen.down / 1000 - down) / span).toBeLessThan(0.01)
    }
  })

  test('forgets what has ended long ago', () => {
    let history = note(undefined, 'up', millis(0), ROOMY)
    for (const at of [10, 20, 30]) {
      history = note(history, 'down', seconds(at), { keep: seconds(20), limit: 10 })
      history = note(history, 'up', seconds(at + 1), { keep: seconds(20), limit: 10 })
    }
    expect(history.periods.map(({ from }) => from / 1000)).toEqual([20, 30])
  })
})

describe('observed time', () => {
  const gap = fc.record({ ran: fc.integer({ min: 0, max: 50 }), away: fc.integer({ min: 0, max: 50 }) })
  const absencesOf = (
    gaps: readonly { ran: number; away: number }[],
  ): { absences: readonly Absence[]; now: Millis } => {
    let absences: readonly Absence[] = []
    let now = 0
    for (const { ran, away } of gaps) {
      now += ran
      absences = withAbsence(absences, { at: seconds(now), length: seconds(away) }, LONG)
    }
    return { absences, now: seconds(now + 10) }
  }

  test('begins where a walk back by the second comes to', () => {
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 20 }), fc.integer({ min: 1, max: 1200 }), (gaps, span) => {
        const { absences, now } = absencesOf(gaps)
        // Each second of the clock: where observed time stands at its begin.
        const clock: number[] = []
        let observed = 0
        const run = (ran: number) => {
          for (let i = 0; i < ran; i++) clock.push(observed++)
        }
        for (const { ran, away } of gaps) {
          run(ran)
          for (let i = 0; i < away; i++) clock.push(observed)
        }
        run(10)
        const expected = span <= clock.length ? clock.at(-span) : clock.length - span
        const begin = beginOf(seconds(span), now, absences) / 1000
        expect(span <= clock.length ? begin : Math.min(begin, 0)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  test('has a bounded number of absences, which keep their sum', () => {
    const gaps = Array.from({ length: 5 * ABSENCES }, () => ({ ran: 7, away: 3 }))
    const { absences, now } = absencesOf(gaps)
    expect(absences).toHaveLength(ABSENCES)
    expect(absences.reduce((sum, { length }) => sum + length, 0)).toBe(5 * ABSENCES * 3000)
    for (const span of [100, 1000, 10_000]) {
      const exact = 10 + ((span - 10) * 7) / 10
      expect(Math.abs((now - beginOf(seconds(span), now, absences)) / 1000 - exact)).toBeLessThan(10 + 0.02 * span)
    }
  })

  test('knows of no absence that is too long ago, or of a clock that was set back', () => {
    const one = withAbsence([], { at: seconds(1), length: seconds(5) }, seconds(100))
    expect(withAbsence(one, { at: seconds(50), length: seconds(-5) }, seconds(100))).toEqual(one)
    expect(withAbsence(one, { at: seconds(150), length: seconds(5) }, seconds(100))).toEqual([
      { at: 150_000, length: 5000 },
    ])
  })
})
