import { describe, expect, test } from 'vitest'
import { byDrill, figuresOf, outageLimit, summaryOf } from '../../../src/drill/report/figures.ts'
import { holdings, ownerTimes } from '../../../src/drill/report/ownership.ts'
import { inMinutes, inMs } from '../../../src/drill/report/units.ts'
import { millis } from '../../../src/time.ts'
import { address, claim, probe, repeated, takeover, tooLong } from '../recorded.ts'

describe('who had an address', () => {
  const duration = millis(1000)
  const timesOf = (events: Parameters<typeof holdings>[0]['events']) =>
    ownerTimes(holdings({ events, duration }), duration)

  test('is counted as two owners while both have it', () => {
    const events = [address(0, 'director1', true), address(300, 'director2', true), address(450, 'director1', false)]
    expect(timesOf(events)).toEqual({ two: 150, none: 0 })
  })

  test('is counted as no owner from its loss on, to the end when nobody gets it', () => {
    const events = [address(0, 'director1', true), address(300, 'director1', false)]
    expect(timesOf(events)).toEqual({ two: 0, none: 700 })
  })

  test('is no owner and no two when one gets it in the moment in which the other one loses it', () => {
    const events = [address(0, 'director1', true), address(300, 'director2', true), address(300, 'director1', false)]
    expect(timesOf(events)).toEqual({ two: 0, none: 0 })
  })

  test('counts a time once for all addresses', () => {
    const events = ['a', 'b'].flatMap((name) => [
      address(0, 'director1', true, name),
      address(300, 'director1', false, name),
      address(400, 'director2', true, name),
    ])
    expect(timesOf(events)).toEqual({ two: 0, none: 100 })
  })

  test('is the one from the beginning who is only told to have lost it', () => {
    expect(holdings({ events: [address(300, 'director1', false)], duration })).toEqual([
      { director: 'director1', address: '172.18.100.6', from: 0, to: 300 },
    ])
  })

  test('is unknown without any news, and told twice it is the same', () => {
    expect(timesOf([])).toBeUndefined()
    expect(holdings({ events: [address(0, 'director1', true), address(9, 'director1', true)], duration })).toHaveLength(
      1,
    )
  })
})

test('figures are of the probes through the directors, noise is of the one past them', () => {
  const traffic = [
    probe([
      [10, 3],
      [20, 40],
    ]),
    probe([[5, 7]], { by: 'icmp' }),
    probe([[5, 900]], { by: 'beside' }),
  ]
  expect(figuresOf(takeover(0, { traffic }))).toMatchObject({
    outageMs: 40,
    lost: 50,
    sent: 24_000,
    noiseMs: 900,
    noiseLost: 900,
  })
})

describe('what an outage may take at most', () => {
  const limitOf = (text: string) => outageLimit({ ...takeover(), judgements: [claim(text, true, '')] })

  test.each([
    ['outage: takeover', 3823],
    ['outage: takeover + 1 s', 4823],
    ['outage: handover + detection + 50 ms', 6150],
    ['outage: { at most: 1.5 s, at least: 2 ms }', 1500],
    ['outage: { at least: 1 s, at most: takeover }', 3823],
    ['{ outage: 10 ms }', 10],
  ])('is read from `%s`', (text, limit) => {
    expect(limitOf(text)).toBe(limit)
  })

  test.each(['lost: none', 'no owner: takeover', 'outage: soon', 'outage:'])('is not in `%s`', (text) => {
    expect(limitOf(text)).toBeUndefined()
  })
})

test('runs are summed up by drill and by program', () => {
  const [drill, ...others] = byDrill([...repeated(3), tooLong()])
  expect(others).toEqual([])
  expect(drill?.byPrograms.map(({ programs, runs }) => [programs, runs.length])).toEqual([
    ['Tanist', 4],
    ['keepalived', 3],
  ])
  expect(summaryOf(drill?.byPrograms[0]?.runs ?? [])).toMatchObject({ runs: 4, held: 3, lost: 5120 })
})

test('small numbers have a digit more', () => {
  expect([0, 0.44, 9.96, 3205.4].map(inMs)).toEqual(['0', '0.4', '10', '3205'])
  expect([75_000, 125_400].map(inMinutes)).toEqual(['75.0 s', '2 min 5 s'])
})
