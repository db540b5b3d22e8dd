/** Values of an axis, and where they are in a picture. */
export interface Axis {
  /** From the smallest to the largest tick, all inside the axis. */
  readonly ticks: readonly number[]
  /** In px, one decimal; what lies outside is at the edge. */
  at(value: number): number
}

/** In px. */
export interface Extent {
  readonly from: number
  readonly to: number
}

/** To a tenth of a px: finer is not seen, and makes a page large. */
export const px = (value: number): number => Math.round(value * 10) / 10

const ROUND = [1, 2, 5, 10]
/** In ms. Above some seconds people count in halves of minutes. */
const ROUND_TIMES = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  1_200_000, 1_800_000, 3_600_000,
]

/** The smallest round step that makes no more than `most` of the whole. */
function roundStep(span: number, most: number, isTime: boolean): number {
  const least = span / Math.max(1, most)
  const time = isTime ? ROUND_TIMES.find((each) => each >= least) : undefined
  const power = 10 ** Math.floor(Math.log10(least))
  return time ?? power * (ROUND.find((each) => each * power >= least * 0.999_999) ?? 10)
}

/** `most` ticks at round values at most. An axis of no length has one of 1. */
export function axis(
  low: number,
  high: number,
  extent: Extent,
  { most, isTime = false }: { readonly most: number; readonly isTime?: boolean },
): Axis {
  const from = Number.isFinite(low) ? low : 0
  const to = Number.isFinite(high) && high > from ? high : from + 1
  const step = roundStep(to - from, most, isTime)
  const ticks: number[] = []
  // Multiplied, not added up: 0.1 three times is not 0.3.
  // A zero below zero is none: `+ 0`.
  for (let i = Math.ceil(from / step - 1e-9) + 0; i * step <= to + step * 1e-9 && ticks.length <= most; i++) {
    ticks.push(i * step)
  }
  return {
    ticks,
    at(value) {
      const share = Number.isFinite(value) ? Math.min(1, Math.max(0, (value - from) / (to - from))) : 0
      return px(extent.from + share * (extent.to - extent.from))
    },
  }
}

/** `20 s`, `1.5 min`; below a second `200 ms`. */
export function tickTime(ms: number, step: number): string {
  if (ms === 0) return '0'
  if (step >= 30_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return step >= 100 ? `${Number((ms / 1000).toFixed(1))} s` : `${Number(ms.toFixed(1))} ms`
}

/** Joins what touches, by its places, and makes it wide enough to be seen: no more come out than there are px. */
export function joined(extents: readonly Extent[], least: number): readonly Extent[] {
  const done: { from: number; to: number }[] = []
  for (const { from, to } of extents.toSorted((a, b) => a.from - b.from)) {
    const last = done.at(-1)
    const end = Math.max(to, from + least)
    if (last !== undefined && from <= last.to + 0.5) last.to = px(Math.max(last.to, end))
    else done.push({ from: px(from), to: px(end) })
  }
  return done
}
