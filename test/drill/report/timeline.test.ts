import { expect, test } from 'vitest'
import type { AddressNews } from '../../../src/drill/report/entries.ts'
import { eventLines, settledLines, timelineOf, titleLines, verdictOf } from '../../../src/drill/report/timeline.ts'
import type { RecordedEvent } from '../../../src/drill/recording.ts'
import { millis } from '../../../src/time.ts'
import { address, event, failedStep, hostile, takeover, tooLong } from '../recorded.ts'

const PLAIN = { hasColours: false, isVerbose: false }

/** Lines of events as they come, and what still waits. */
function shown(events: readonly RecordedEvent[], style = PLAIN): { lines: string[]; waiting: readonly AddressNews[] } {
  const lines: string[] = []
  let waiting: readonly AddressNews[] = []
  for (const each of events) {
    const next = eventLines(waiting, each, style)
    waiting = next.waiting
    lines.push(...next.lines)
  }
  return { lines, waiting }
}

test('the timeline of a take-over tells steps, addresses, commands and judgements, and no log lines', () => {
  expect(timelineOf(takeover(), PLAIN)).toEqual([
    '',
    '7: The cable of the master is pulled',
    'promised: an outage of at most three adverts and the skew time of the standby',
    '  0.0 s  director1 has 172.18.100.6',
    '  2.0 s  pull cable: active',
    '  2.0 s  wait: { master: standby, within: takeover }',
    '  5.2 s  director2 has 172.18.100.6',
    '  5.2 s  director2 runs notify.sh web MASTER',
    '  5.2 s  claim: { master: standby }',
    '  5.2 s  ✓ master: standby: director2 has all of 1',
    ' 10.0 s  undone: plug cable: director1',
    ' 10.0 s  director1 no longer has 172.18.100.6',
    ' 12.0 s  ✓ outage: takeover: longest gap 3205 ms of at most 3823 ms',
    ' 12.0 s  ✓ I1: no virtual address has two owners at the end: director2 alone',
    ' 12.0 s  ✓ I2: what the drill did is undone: all 1 of it',
    ' 12.0 s  ? not judged: I3: no process has more memory than before: director1 did not run before',
    '',
    'Every claim held.',
  ])
})

test('a claim that is false is NOT TRUE, and is counted at the end', () => {
  const lines = timelineOf(tooLong(), PLAIN)
  expect(lines).toContain(' 12.0 s  ✗ NOT TRUE: outage: takeover: longest gap 5120 ms of at most 3823 ms')
  expect(lines.at(-1)).toBe('1 claim did not hold.')
})

test('a verbose timeline has log lines and the ends of steps', () => {
  const lines = timelineOf(takeover(), { hasColours: false, isVerbose: true })
  expect(lines).toContain('  5.2 s  director2: web becomes master: no adverts from a master')
  expect(lines.filter((line) => line.endsWith('  done'))).toHaveLength(3)
})

test('a step that fails, and what could not be judged then, are told with their reasons', () => {
  expect(timelineOf(failedStep(), PLAIN).slice(-5)).toEqual([
    '  1.2 s  wait: { master: standby }',
    ' 31.2 s  ✗ FAILED: master: standby did not come within 30 s',
    ' 31.4 s  ✗ NOT JUDGED: lost: none: the drill ended before',
    '',
    'The drill ended at a step that failed. 1 claim did not hold.',
  ])
})

test('what could not be undone is told', () => {
  const { lines } = shown([event(900, { type: 'undone', text: 'plug cable: director1', failure: 'no such interface' })])
  expect(lines).toEqual(['  0.9 s  ✗ NOT UNDONE: plug cable: director1: no such interface'])
})

test('an invariant alone that does not hold is no claim', () => {
  const { judgements } = takeover()
  const broken = judgements.map((each) => (each.of === 'I2' ? { ...each, holds: false } : each))
  expect(verdictOf({ ending: 'finished', judgements: broken })).toBe('1 invariant did not hold.')
  expect(verdictOf({ ending: 'time limit', judgements })).toBe('The drill took longer than it may.')
})

test('addresses that a director gets in one moment are one line, of many the first four and a count', () => {
  const many = Array.from({ length: 9 }, (_, i) => address(1000 + i, 'director2', true, `10.0.0.${i + 1}`))
  const { lines, waiting } = shown(many)
  expect(lines).toEqual([])
  expect(settledLines(waiting, millis(1015), PLAIN).lines).toEqual([])
  expect(settledLines(waiting, millis(1030), PLAIN)).toEqual({
    waiting: [],
    lines: ['  1.0 s  director2 has 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 and 5 more'],
  })
  expect(settledLines(waiting, undefined, PLAIN).lines).toHaveLength(1)
})

test('addresses of both directors that change in turns are one line each, in their order', () => {
  const events = [
    address(1000, 'director1', false, 'a'),
    address(1001, 'director2', true, 'a'),
    address(1002, 'director1', false, 'b'),
    address(1003, 'director2', true, 'b'),
    event(1004, { type: 'said', text: 'so it goes' }),
  ]
  expect(shown(events).lines).toEqual([
    '  1.0 s  director1 no longer has a and b',
    '  1.0 s  director2 has a and b',
    '  1.0 s  so it goes',
  ])
})

test('an address that comes and goes within a moment is told as often, and later news are lines of their own', () => {
  const events = [
    address(1000, 'director1', true, 'a'),
    address(1005, 'director1', false, 'a'),
    address(1010, 'director1', true, 'a'),
    address(1100, 'director1', true, 'b'),
    event(1200, { type: 'part', name: 'and back' }),
  ]
  expect(shown(events).lines).toEqual([
    '  1.0 s  director1 has a',
    '  1.0 s  director1 no longer has a',
    '  1.0 s  director1 has a',
    '  1.1 s  director1 has b',
    '',
    'and back',
  ])
})

test('colours are only where they are wanted: bold titles, green and red marks', () => {
  const coloured = { hasColours: true, isVerbose: false }
  expect(titleLines({ number: 3, name: 'A title', promise: undefined }, coloured)).toEqual([
    '',
    '\u001b[1m3: A title\u001b[22m',
  ])
  const lines = timelineOf(tooLong(), coloured)
  expect(lines).toContain(' 12.0 s  \u001b[32m✓\u001b[39m I2: what the drill did is undone: all 1 of it')
  expect(lines).toContain(
    ' 12.0 s  \u001b[31m✗ NOT TRUE:\u001b[39m outage: takeover: longest gap 5120 ms of at most 3823 ms',
  )
})

test('what comes from outside cannot command a terminal, and stays in its line', () => {
  for (const line of timelineOf(hostile(), { hasColours: false, isVerbose: true })) {
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
  }
})
