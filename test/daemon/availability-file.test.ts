import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import {
  availabilityPath,
  confirmObserved,
  keepObserved,
  keptObserved,
  type Observed,
} from '../../src/daemon/director/availability-file.ts'
import { millis, seconds } from '../../src/time.ts'

const NAME = `tanist-${process.pid}-availability-test`
const PATH = availabilityPath(NAME)
const KEEP = seconds(30 * 24 * 3600)
const period = { from: millis(5000), to: millis(7000), down: millis(1500), unknown: millis(500), failures: 2 }
const observed: Observed = {
  time: seconds(100),
  absences: [{ at: seconds(50), length: seconds(9) }],
  histories: new Map([
    ['[10.0.0.1]:tcp:80', { since: millis(0), state: 'up', stateSince: millis(0), lastKnown: undefined, periods: [] }],
    [
      '[10.0.0.1]:tcp:80 [10.1.0.1]:80',
      {
        since: millis(1000),
        state: 'down',
        stateSince: millis(9000),
        lastKnown: 'up',
        periods: [
          { ...period, goesOn: true },
          { ...period, from: millis(8000), to: millis(9000), goesOn: false },
        ],
      },
    ],
  ]),
}
const NOW = Date.now()
/** Written a minute ago, and so until `ms` before now. */
const write = (ms: number) => {
  keepObserved(NAME, observed, NOW - 60_000)
  const until = new Date(NOW - ms)
  utimesSync(PATH, until, until)
}

afterEach(() => rmSync(PATH, { force: true }))

test('what was seen is there after the next start, for root alone, with the time that nobody looked', () => {
  expect(keptObserved(NAME, KEEP, NOW)).toBeUndefined()
  write(20_000)
  expect(statSync(PATH).mode & 0o777).toBe(0o600)
  expect(keptObserved(NAME, KEEP, NOW)).toEqual({
    time: 140_000,
    absences: [...observed.absences, { at: 140_000, length: 20_000 }],
    histories: observed.histories,
  })
})

test('a clock that was set back while nobody looked tells no length, and loses nothing', () => {
  write(-3_600_000)
  expect(keptObserved(NAME, KEEP, NOW - 120_000)).toMatchObject({
    absences: observed.absences,
    histories: observed.histories,
  })
  write(70_000)
  expect(keptObserved(NAME, KEEP, NOW)).toMatchObject({ time: 100_000, histories: observed.histories })
})

test('the file holds until it was confirmed', () => {
  write(20_000)
  confirmObserved(NAME)
  const { time = 0, absences } = keptObserved(NAME, KEEP, Date.now()) ?? {}
  expect(time).toBeGreaterThanOrEqual(160_000 - 1)
  expect(absences?.at(-1)?.length ?? 0).toBeLessThan(20_000)
  rmSync(PATH)
  expect(() => confirmObserved(NAME)).toThrow('ENOENT')
})

test.each([
  ['torn', '{"format":1,"at":'],
  ['of another format', '{"format":99,"at":1,"time":1,"absences":[],"subjects":{}}'],
  ["somebody else's", '[]'],
  ["nobody's", 'null'],
  ['without servers', '{"format":1,"at":1,"time":1,"absences":[]}'],
  ['with a strange state', '{"format":1,"at":1,"time":1,"absences":[],"subjects":{"a":[0,"sleepy",0,null,[]]}}'],
  [
    'with a period without length',
    '{"format":1,"at":1,"time":1,"absences":[],"subjects":{"a":[0,"up",0,null,[[1,1,0,0,0,0]]]}}',
  ],
  ['with what is no number', '{"format":1,"at":1,"time":"1","absences":[],"subjects":{}}'],
  ['with a time before all', '{"format":1,"at":1,"time":-1,"absences":[],"subjects":{}}'],
])('a file that is %s is refused', (_what, text) => {
  writeFileSync(PATH, text)
  expect(() => keptObserved(NAME, KEEP)).toThrow(`${PATH} ignored: `)
})
