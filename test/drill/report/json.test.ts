import { expect, test } from 'vitest'
import { jsonLine } from '../../../src/drill/report/json.ts'
import { failedStep, HOSTILE, hostile, probe, takeover } from '../recorded.ts'

test('a run is one line with its schema, figures, claims, invariants, traffic and events', () => {
  const line = jsonLine(takeover())
  expect(line).not.toContain('\n')
  expect(JSON.parse(line)).toMatchObject({
    schema: 'tanist-drill-run',
    version: 1,
    file: 'drills/07-cable.yaml',
    number: 7,
    held: true,
    ending: 'finished',
    startedAt: '2026-11-29T08:19:15Z',
    startedAtEpochMs: 1_795_940_355_000,
    durationMs: 12_000,
    seed: 1,
    directors: { director1: 'tanist', director2: 'tanist' },
    promisedMs: { takeover: 3823, handover: 100, detection: 6000 },
    outageLimitMs: 3823,
    figures: {
      outageMs: 3205,
      sent: 12_000,
      lost: 3205,
      noiseMs: 6,
      noiseLost: 3,
      twoOwnersMs: 4800,
      noOwnerMs: 0,
      requests: { count: 600, failed: 161 },
      connections: null,
    },
    claims: [
      { of: 'claim', text: 'master: standby', holds: true, found: 'director2 has all of 1' },
      { text: 'outage: takeover', holds: true },
    ],
    invariants: [{ of: 'I1' }, { of: 'I2' }, { of: 'I3', holds: null }],
    traffic: [
      { type: 'probe', by: 'udp', gaps: [{ atMs: 2001, ms: 3205, lost: 3205 }], areAllGaps: true },
      { type: 'requests', failed: 161, answeredBy: { rs11: 147, rs12: 146, rs13: 146 } },
      { type: 'probe', by: 'beside', senderLate: [{ atMs: 8003, ms: 6 }] },
    ],
  })
})

test('events have their times in ms, and judgements are flat', () => {
  const { events } = JSON.parse(jsonLine(failedStep())) as { events: unknown[] }
  expect(events[1]).toEqual({ atMs: 1000, type: 'begun', step: 0, text: 'reload: both' })
  expect(events.at(-1)).toEqual({
    atMs: 31_400,
    type: 'judged',
    of: 'claim',
    text: 'lost: none',
    holds: null,
    found: 'the drill ended before',
  })
})

test('what is unknown is null, and not left out', () => {
  const line = JSON.parse(jsonLine({ ...failedStep(), traffic: [], events: [] })) as Record<string, unknown>
  expect(line).toMatchObject({ number: null, outageLimitMs: null })
  expect(line['figures']).toMatchObject({ outageMs: null, lost: null, twoOwnersMs: null, requests: null })
})

test('of more than 1000 gaps the longest are written, in their order', () => {
  const gaps = Array.from({ length: 1500 }, (_, i) => [i * 5, i % 3 === 0 ? 1 : 2] as const)
  const { traffic } = JSON.parse(jsonLine(takeover(0, { traffic: [probe(gaps)] }))) as {
    traffic: [{ gaps: { atMs: number; ms: number }[]; areAllGaps: boolean }]
  }
  expect(traffic[0].areAllGaps).toBe(false)
  expect(traffic[0].gaps).toHaveLength(1000)
  expect(traffic[0].gaps.every(({ ms }) => ms === 2)).toBe(true)
  expect(traffic[0].gaps.map(({ atMs }) => atMs)).toEqual(
    traffic[0].gaps.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
  )
})

test('texts come out as they went in, and none commands a terminal', () => {
  const line = jsonLine(hostile())
  expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
  expect(JSON.parse(line)).toMatchObject({ name: HOSTILE, claims: [{ found: HOSTILE }] })
})
