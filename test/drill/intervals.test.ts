import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clipped, interval, isWithin, overlap, timeIn, union } from '../../src/drill/intervals.ts'

const drawn = fc.tuple(fc.nat(60), fc.nat(20)).map(([from, length]) => interval(from, from + length))

/** Which whole moments are in one of them. */
const moments = (intervals: readonly { readonly from: number; readonly to: number }[]) =>
  Array.from({ length: 100 }, (_, at) => at).filter((at) => intervals.some(({ from, to }) => at >= from && at < to))

describe('intervals', () => {
  test('together are as many moments as they are, in order and apart', () => {
    fc.assert(
      fc.property(fc.array(drawn), (intervals) => {
        const merged = union(intervals)
        expect(moments(merged)).toEqual(moments(intervals))
        for (const [i, { from }] of merged.entries()) expect(from).toBeGreaterThan(merged[i - 1]?.to ?? -1)
      }),
    )
  })

  test('are cut to what is within another one', () => {
    fc.assert(
      fc.property(fc.array(drawn), drawn, (intervals, within) => {
        const merged = union(intervals)
        const expected = moments(merged).filter((at) => at >= within.from && at < within.to)
        expect(moments(clipped(merged, within))).toEqual(expected)
        expect(timeIn(merged, within)).toBe(expected.length)
      }),
    )
  })

  test('overlap when they have a moment in common', () => {
    expect(overlap(interval(1, 3), interval(2, 4))).toBe(true)
    expect(overlap(interval(1, 3), interval(3, 4))).toBe(false)
    expect(overlap(interval(3, 3), interval(3, 4))).toBe(true)
    expect(overlap(interval(4, 4), interval(3, 4))).toBe(false)
  })

  test('are within one that ends where they do', () => {
    expect(isWithin(interval(1, 3), interval(1, 3))).toBe(true)
    expect(isWithin(interval(1, 3), interval(1, 2))).toBe(false)
    expect(isWithin(interval(1, 3), interval(2, 3))).toBe(false)
  })
})
