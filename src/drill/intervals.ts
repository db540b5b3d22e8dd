import { type Millis, millis } from '../time.ts'

/** From a moment until before another one. */
export interface Interval {
  readonly from: Millis
  readonly to: Millis
}

export const interval = (from: number, to: number): Interval => ({ from: millis(from), to: millis(to) })

/** Also one without length lies somewhere. */
export const overlap = (one: Interval, other: Interval): boolean =>
  one.from === one.to ? one.from >= other.from && one.from < other.to : one.from < other.to && other.from < one.to

export const isWithin = (inner: Interval, outer: Interval): boolean => inner.from >= outer.from && inner.to <= outer.to

export const widened = ({ from, to }: Interval, before: number, behind: number): Interval =>
  interval(from - before, to + behind)

/** In order, without overlaps: those that touch become one. */
export function union(intervals: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = []
  for (const each of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last === undefined || each.from > last.to) merged.push(each)
    else if (each.to > last.to) merged[merged.length - 1] = { from: last.from, to: each.to }
  }
  return merged
}

/** The first of these, which are in order and do not overlap, that ends behind `at`: there may be very many. */
function firstBehind(at: number, intervals: readonly Interval[]): number {
  let low = 0
  let high = intervals.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((intervals[middle]?.to ?? Infinity) > at) high = middle
    else low = middle + 1
  }
  return low
}

/** What of these, which are in order and do not overlap, lies in `within`. */
export function clipped(intervals: readonly Interval[], within: Interval): readonly Interval[] {
  const parts: Interval[] = []
  for (let i = firstBehind(within.from, intervals); i < intervals.length; i++) {
    const each = intervals[i]
    if (each === undefined || each.from >= within.to) break
    parts.push(interval(Math.max(each.from, within.from), Math.min(each.to, within.to)))
  }
  return parts
}

/** How much of `within` these, which are in order and do not overlap, cover. */
export const timeIn = (intervals: readonly Interval[], within: Interval): Millis =>
  millis(clipped(intervals, within).reduce((sum, { from, to }) => sum + to - from, 0))
