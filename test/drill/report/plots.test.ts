import { describe, expect, test } from 'vitest'
import { axis, joined, tickTime } from '../../../src/drill/report/axis.ts'
import type { Markup } from '../../../src/drill/report/markup.ts'
import { outagePlot } from '../../../src/drill/report/outage-plot.ts'
import { probePlot, stepMarks } from '../../../src/drill/report/probe-plot.ts'
import type { Recording } from '../../../src/drill/recording.ts'
import { millis } from '../../../src/time.ts'
import { elementsOf, named } from '../parsed.ts'
import { address, crowded, failedStep, hostile, probe, repeated, takeover } from '../recorded.ts'

const drawn = ({ markup }: Markup) => elementsOf(markup)
const stepsOf = ({ events }: Recording) => events.filter(({ type }) => type === 'begun').map(({ at }) => at)
const plotOf = (recording: Recording, width = 960) => drawn(probePlot(recording, stepsOf(recording), 'x', width))

/** Every number in the attributes that place something is one, and not outside the picture. */
function expectPlaced(elements: ReturnType<typeof elementsOf>, width: number): void {
  const height = Number(elements[0]?.attributes['height'])
  const limits = { x: width, cx: width, width, y: height, cy: height, height } as const
  for (const { attributes } of elements) {
    for (const [name, most] of Object.entries(limits)) {
      const value = attributes[name]
      if (value === undefined || value === '100%') continue
      expect(Number(value), `${name} of ${JSON.stringify(attributes)}`).toBeGreaterThanOrEqual(0)
      expect(Number(value), `${name} of ${JSON.stringify(attributes)}`).toBeLessThanOrEqual(most)
    }
    expect(attributes['d'] ?? 'M0 0').toMatch(/^([MLHV]-?\d+(\.\d+)?( -?\d+(\.\d+)?)?|Z)+$/)
  }
}

describe('the picture of a run', () => {
  const empty = takeover(0, { events: [], traffic: [], duration: millis(0), virtualAddresses: [] })
  const beyond = takeover(0, {
    duration: millis(1000),
    events: [address(900, 'director1', true), address(5000, 'director1', false)],
    traffic: [
      probe([
        [990, Number.NaN],
        [999, 1e12],
      ]),
      probe([[-5, 1]], { by: 'beside', late: [{ at: millis(1), ms: 70 }] }),
    ],
  })

  test.each([
    ['a take-over', takeover()],
    ['a step that failed', failedStep()],
    ['much at once', crowded()],
    ['hostile texts', hostile()],
    ['nothing at all', empty],
    ['times that cannot be', beyond],
  ])('has all things in their places: %s', (_, recording) => {
    for (const width of [960, 360]) expectPlaced(plotOf(recording, width), width)
  })

  test('has bars of who has the address, of gaps with their ms, of noise, and ticks of failed requests', () => {
    const elements = plotOf(takeover())
    const of = (kind: string) => named(elements, 'rect').filter(({ attributes }) => attributes['class'] === kind)
    expect(of('director1')).toHaveLength(1)
    expect(of('director2')).toHaveLength(1)
    expect(of('gap')).toHaveLength(1)
    expect(of('fault').length).toBeGreaterThan(0)
    expect(of('noise')).toHaveLength(1)
    const texts = named(elements, 'text').map(({ text }) => text)
    expect(texts).toContain('3205 ms')
    expect(texts).toEqual(expect.arrayContaining(['who has 172.18.100.6', '0', '2 s', '12 s', '1–2', '3']))
  })

  test('has no labels on each other, however close the events are', () => {
    for (const width of [960, 360]) {
      const labels = named(plotOf(crowded(), width), 'text').filter(({ attributes }) =>
        ['gap-label', 'tick', 'mark-text'].includes(attributes['class'] ?? ''),
      )
      for (const [i, a] of labels.entries()) {
        for (const b of labels.slice(i + 1)) {
          if (a.attributes['y'] !== b.attributes['y']) continue
          const apart = Math.abs(Number(a.attributes['x']) - Number(b.attributes['x']))
          expect(apart, `${a.text} and ${b.text}`).toBeGreaterThanOrEqual(((a.text.length + b.text.length) * 6) / 2)
        }
      }
    }
  })

  test('is no larger for 100 000 gaps', () => {
    const gaps = Array.from({ length: 100_000 }, (_, i) => [i * 0.12, 0.05] as const)
    expect(plotOf(takeover(0, { traffic: [probe(gaps)] })).length).toBeLessThan(2000)
  })

  test('has one lane for addresses that go the same way, and a count of those that find no place', () => {
    const texts = named(plotOf(crowded()), 'text').map(({ text }) => text)
    expect(texts).toContain('who has 10.1.0.1, 10.1.1.1, 10.1.2.1, 10.1.3.1 and 36 more')
    const apart = Array.from({ length: 9 }, (_, i) => address(i * 1000, 'director1', true, `10.0.0.${i}`))
    const many = named(plotOf(takeover(0, { events: apart, virtualAddresses: [] })), 'text').map(({ text }) => text)
    expect(many).toContain('and 4 addresses that went other ways')
  })
})

test('marks of steps that would lie on each other are one, and all are inside', () => {
  const within = { from: 70, to: 948 }
  const marks = stepMarks([70, 300, 305, 312, 600, 947, 948], within)
  expect(marks.map(({ first, last }) => [first, last])).toEqual([
    [1, 1],
    [2, 4],
    [5, 5],
    [6, 7],
  ])
  for (const { from, to } of marks) {
    expect(from).toBeGreaterThanOrEqual(within.from)
    expect(to).toBeLessThanOrEqual(within.to)
  }
})

describe('the picture of outages', () => {
  const [tanist, keepalived] = (['tanist', 'keepalived'] as const).map((kind) => ({
    name: kind,
    values: repeated(30)
      .filter(({ directors }) => directors.director1 === kind)
      .flatMap(({ traffic }) =>
        traffic.flatMap((each) => (each.type === 'probe' && each.by === 'udp' ? each.gaps : [])),
      )
      .map(({ ms }) => ms),
  }))
  if (tanist === undefined || keepalived === undefined) throw new Error('both were run')

  test('tells two programs apart by shape and by line, and has the limit', () => {
    const elements = drawn(outagePlot([tanist, keepalived], millis(3823), 'x', 960))
    expectPlaced(elements, 960)
    expect(named(elements, 'circle')).toHaveLength(30)
    expect(named(elements, 'rect')).toHaveLength(30)
    expect(named(elements, 'text').map(({ text }) => text)).toEqual(
      expect.arrayContaining(['promised: at most 3823 ms', '0 %', '100 %', '3000', 'longest outage of a run, ms']),
    )
  })

  test.each([
    ['all the same', [5, 5, 5], undefined],
    ['all 0', [0, 0, 0], millis(100)],
    ['far beyond the limit', [90_000, 1, 2], millis(3)],
    ['many', Array.from({ length: 5000 }, (_, i) => i), millis(0)],
  ])('is one for values that are %s', (_, values, limit) => {
    for (const width of [960, 360]) {
      const elements = drawn(outagePlot([{ name: 'Tanist', values }], limit, 'x', width))
      expectPlaced(elements, width)
      expect(named(elements, 'circle').length).toBeLessThanOrEqual(201)
    }
  })
})

describe('an axis', () => {
  const extent = { from: 0, to: 900 }

  test.each([
    [0, 12_000, [0, 2000, 4000, 6000, 8000, 10_000, 12_000]],
    [0, 31_500, [0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]],
    [0, 400_000, [0, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000]],
    [0, 7, [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('of time from %d to %d ms has round ticks', (from, to, ticks) => {
    expect(axis(from, to, extent, { most: 10, isTime: true }).ticks).toEqual(ticks)
  })

  test('has round ticks of small and of large values', () => {
    expect(axis(2724, 3870, extent, { most: 10 }).ticks).toEqual([2800, 3000, 3200, 3400, 3600, 3800])
    expect(axis(0, 0.35, extent, { most: 4 }).ticks.map((tick) => Number(tick.toFixed(3)))).toEqual([0, 0.1, 0.2, 0.3])
  })

  test('has places inside whatever the value is', () => {
    const x = axis(0, 10, extent, { most: 5 })
    expect([-1, 5, 11, Number.NaN, Infinity].map((value) => x.at(value))).toEqual([0, 450, 900, 0, 0])
    expect(axis(Number.NaN, Number.NaN, extent, { most: 5 }).at(0.5)).toBe(450)
  })

  test('has ticks with units', () => {
    expect([tickTime(0, 1000), tickTime(2000, 1000), tickTime(500, 100), tickTime(20, 5)]).toEqual([
      '0',
      '2 s',
      '0.5 s',
      '20 ms',
    ])
    expect([tickTime(90_000, 30_000), tickTime(120_000, 60_000)]).toEqual(['1.5 min', '2 min'])
  })
})

test('bars that touch are one, and each is wide enough to be seen', () => {
  expect(
    joined(
      [
        { from: 6, to: 6 },
        { from: 1, to: 3 },
        { from: 3.2, to: 4 },
      ],
      1.5,
    ),
  ).toEqual([
    { from: 1, to: 4.7 },
    { from: 6, to: 7.5 },
  ])
})
