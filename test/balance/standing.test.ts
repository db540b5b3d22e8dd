import { describe, expect, test } from 'vitest'
import { askedWeight, handled, weightNow } from '../../src/balance/standing.ts'

describe('the weight that checkers ask for', () => {
  test.each([
    ['nobody: what is configured', 10, [], 10],
    ['this one', 10, [{ type: 'is', value: 3 }], 3],
    ['more', 10, [{ type: 'add', value: 5 }], 15],
    ['a part of it', 10, [{ type: 'percent', value: 75 }], 8],
    ['a part of little', 1, [{ type: 'percent', value: 10 }], 1],
    ['no part of it', 10, [{ type: 'percent', value: 0 }], 0],
    ['more than all of it', 10, [{ type: 'percent', value: 150 }], 15],
    ['a part of nothing', 0, [{ type: 'percent', value: 75 }], 0],
    ['none, whatever others ask for', 10, [{ type: 'drain' }, { type: 'add', value: 50 }], 0],
    [
      'several: their differences add up, as in keepalived',
      10,
      [
        { type: 'is', value: 3 },
        { type: 'is', value: 12 },
      ],
      5,
    ],
    ['less than nothing is nothing', 10, [{ type: 'add', value: -50 }], 0],
    ["more than IPVS's largest is that", 10, [{ type: 'add', value: 2 ** 31 }], 2 ** 31 - 1],
  ] as const)('%s', (_name, configured, asked, weight) => {
    expect(askedWeight(configured, asked)).toBe(weight)
  })
})

describe('what an operator says goes before that', () => {
  const by = {
    service: '[10.0.0.9]:tcp:80',
    server: '[10.1.0.1]:80',
    by: 'root (pid 1)',
    at: '2026-01-01T00:00:00.000Z',
  }
  test.each([
    ['nothing', undefined, { up: true, weight: 5 }],
    ['drain', { type: 'drain', keepClients: false }, { up: true, weight: 0, releasesClients: true }],
    [
      'drain, but persistent clients',
      { type: 'drain', keepClients: true },
      { up: true, weight: 0, releasesClients: false },
    ],
    ['disable', { type: 'disable' }, { up: false, weight: 5 }],
    ['weight', { type: 'weight', weight: 7 }, { up: true, weight: 7 }],
  ] as const)('%s', (_name, hand, expected) => {
    const byHand = hand && { ...by, hand }
    expect(handled({ up: true, weight: 5 }, byHand)).toEqual({ ...expected, ...(byHand && { byHand }) })
  })

  test('it is not for a slow start to say otherwise', () => {
    const slow = { up: true, weight: 5, risen: 2 }
    expect(weightNow(slow)).toBe(2)
    expect(weightNow(handled(slow, { ...by, hand: { type: 'weight', weight: 7 } }))).toBe(7)
    expect(weightNow(handled(slow, { ...by, hand: { type: 'drain', keepClients: false } }))).toBe(0)
  })

  test('no hand brings up what has failed', () => {
    const hand = { type: 'weight', weight: 7 } as const
    expect(handled({ up: false, weight: 5 }, { ...by, hand })).toMatchObject({ up: false })
  })
})
