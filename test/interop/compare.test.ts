import { expect, test } from 'vitest'
import { differences, type Happened, type Recording } from './side-by-side/compare.ts'
import { advertisedBy, inOrderOfInstances, recordingOf, toldBy } from './side-by-side/recording.ts'
import type { Channel } from './side-by-side/sequence.ts'

const NOTHING: Readonly<Record<Channel, readonly Happened[]>> = {
  scripts: [],
  pipe: [],
  addresses: [],
  adverts: [],
  exit: [],
}

const pipe = (...lines: readonly (readonly [number, string])[]): Recording => [
  { step: 'start', channels: { ...NOTHING, pipe: lines.map(([at, text]) => ({ at, text })) } },
]

test('the same texts in the same order at about the same times are no difference', () => {
  expect(differences(pipe([10, 'a'], [500, 'b']), pipe([90, 'a'], [420, 'b']), { toleranceMs: 100 })).toEqual([])
})

test.each([
  ['another text', pipe([10, 'a'], [500, 'c'])],
  ['another order', pipe([10, 'b'], [500, 'a'])],
  ['one less', pipe([10, 'a'])],
  ['one more', pipe([10, 'a'], [500, 'b'], [501, 'b'])],
  ['another time', pipe([10, 'a'], [601, 'b'])],
])('%s is a difference', (_, other) => {
  const found = differences(pipe([10, 'a'], [500, 'b']), other, { toleranceMs: 100 })
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^0\. start: pipe\n  - +10 ms  a\n  - +500 ms  b\n  \+ /)
})

test('a departure takes the place of what the judge tells, and has to be one', () => {
  const rules = {
    toleranceMs: 100,
    byDesign: [{ step: 0, channel: 'pipe', tells: ['c'], why: 'better' }],
  } as const
  expect(differences(pipe([10, 'a']), pipe([900, 'c']), rules)).toEqual([])
  expect(differences(pipe([10, 'a']), pipe([10, 'a']), rules)).toHaveLength(1)
  expect(differences(pipe([10, 'c']), pipe([10, 'c']), rules)).toHaveLength(1)
})

test('start and stop may take longer, and what is told again counts once, where that is said', () => {
  expect(differences(pipe([10, 'a']), pipe([190, 'a']), { toleranceMs: 100, edgeMs: 100 })).toEqual([])
  expect(differences(pipe([10, 'a']), pipe([20, 'a'], [30, 'a']), { toleranceMs: 100, repeats: true })).toEqual([])
})

test('instances whose time comes together are in the order of their numbers, and their group stays behind them', () => {
  const told = (...texts: readonly string[]) => texts.map((text, i) => ({ at: i, text }))
  const sorted = inOrderOfInstances(told('VI_2 b', 'VI_1 a', 'VI_2 c', 'G', 'VI_2 d', 'VI_1 e'))
  expect(sorted.map(({ text }) => text)).toEqual(['VI_1 a', 'VI_2 b', 'VI_2 c', 'G', 'VI_1 e', 'VI_2 d'])
})

test('scripts of one event are in the order of their process ids, also where these go round', () => {
  const log = '5.010 3 [c]\n5.000 32767 [a]\n5.020 2 [b]\n6.000 1 [d]\n'
  expect(toldBy(log).map(({ text }) => text)).toEqual(['[a]', '[b]', '[c]', '[d]'])
})

test('adverts are told where their priority changes, and behind a silence', () => {
  const advert = (at: number, priority: number, source = '10.0.0.1') =>
    ({ at, priority, source, destination: '224.0.0.18', version: 3, vrid: 51, ttl: 255 }) as const
  const adverts = [advert(0, 150), advert(250, 150), advert(300, 200, '10.0.0.2'), advert(500, 90), advert(2000, 90)]
  expect(advertisedBy(adverts, '10.0.0.1').map(({ at, text }) => `${at} ${text}`)).toEqual([
    '0 vrid 51 priority 150',
    '500 vrid 51 priority 90',
    '2000 vrid 51 priority 90',
  ])
})

test('the start counts from the first thing that is seen, other steps from their event', () => {
  const marks = [
    { at: 1000, step: 'start' },
    { at: 5000, step: 'reload' },
  ]
  const seen = {
    ...NOTHING,
    pipe: [{ at: 1700, text: 'a' }],
    exit: [{ at: 5200, text: 'b' }],
    scripts: [{ at: 1900, text: 'c' }],
  }
  const [start, reload] = recordingOf(marks, seen)
  expect([start?.channels.pipe, start?.channels.scripts]).toEqual([[{ at: 0, text: 'a' }], [{ at: 200, text: 'c' }]])
  expect(reload?.channels.exit).toEqual([{ at: 200, text: 'b' }])
})
