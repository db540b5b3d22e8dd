import type { Millis } from '../../time.ts'
import { spread } from '../quantiles.ts'
import { axis, type Axis, px } from './axis.ts'
import { type Markup, markup, NOTHING } from './markup.ts'
import { inMs, withMs } from './units.ts'

/** Outages that one program's runs have come to, in ms. */
export interface Series {
  readonly name: string
  readonly values: readonly number[]
}

const LEFT = 46
const RIGHT = 14
const TOP = 26
const HEIGHT = 200
const TICK_SPACE = 80
/** More points than these are a line. */
const MOST_POINTS = 200
/** When the smallest value is below this share of the largest the axis begins at 0. */
const NEAR_ZERO = 0.5

/** Shape, line and colour differ: each alone tells two apart. The third is that of mixed pairs. */
export const KINDS = ['first', 'second', 'third'] as const
export type SeriesKind = (typeof KINDS)[number]
export const kindOf = (index: number): SeriesKind => KINDS[index % KINDS.length] ?? 'first'

/** The mark of a series, at a place. */
export function pointMark(kind: SeriesKind, x: number, y: number): Markup {
  switch (kind) {
    case 'first':
      return markup`<circle class="point first" cx="${x}" cy="${y}" r="3.5"/>`
    case 'second':
      return markup`<rect class="point second" x="${px(x - 3.2)}" y="${px(y - 3.2)}" width="6.4" height="6.4"/>`
    case 'third':
      return markup`<path class="point third" d="M${x} ${px(y - 4.4)}L${px(x + 4.2)} ${px(y + 3.2)}H${px(x - 4.2)}Z"/>`
  }
}

/** `Tanist: 30 runs, median 3213 ms, …` */
export function seriesText({ name, values }: Series): string {
  const { min, median, p95, max } = spread(values)
  return `${name}: ${values.length} runs, smallest ${inMs(min)}, median ${inMs(median)}, p95 ${inMs(p95)}, largest ${withMs(max)}`
}

function curve(values: readonly number[], kind: SeriesKind, x: Axis, y: Axis): Markup {
  const sorted = values.toSorted((a, b) => a - b)
  const places = sorted.map((value, i) => ({ x: x.at(value), y: y.at((100 * (i + 1)) / sorted.length) }))
  const path = places.map((place, i) => `${i === 0 ? `M${place.x} ${y.at(0)}` : `H${place.x}`}V${place.y}`).join('')
  const every = Math.ceil(places.length / MOST_POINTS)
  const points = places.filter((_, i) => i % every === every - 1 || i === places.length - 1)
  return markup`<path class="curve ${kind}" d="${path}"/>${points.map((place) => pointMark(kind, place.x, place.y))}`
}

function limitLine(limit: Millis, x: Axis, width: number): Markup {
  const at = x.at(limit)
  const isRight = at > width * 0.55
  return markup`<path class="limit" d="M${at} ${TOP - 8}V${TOP + HEIGHT}"/><text class="limit-label" x="${px(at + (isRight ? -6 : 6))}" y="14" text-anchor="${isRight ? 'end' : 'start'}">promised: at most ${withMs(limit)}</text>`
}

/** The share of runs whose outage was no longer than so many ms. `id` is unique in the page. Every series has values. */
export function outagePlot(series: readonly Series[], limit: Millis | undefined, id: string, width: number): Markup {
  const values = [...series.flatMap((each) => each.values), ...(limit === undefined ? [] : [limit])]
  const { min, max } = spread(values)
  const margin = min < NEAR_ZERO * max ? 0 : Math.max(1, (max - min) * 0.08)
  const from = margin === 0 ? 0 : Math.max(0, min - margin)
  const right = width - RIGHT
  const most = Math.max(2, Math.floor((right - LEFT) / TICK_SPACE))
  const x = axis(from, max + Math.max(1, (max - from) * 0.05), { from: LEFT, to: right }, { most })
  const y = axis(0, 100, { from: TOP + HEIGHT, to: TOP }, { most: 4 })
  const shares = [0, 25, 50, 75, 100]
  const bottom = TOP + HEIGHT
  const said = [...series.map(seriesText), ...(limit === undefined ? [] : [`promised: at most ${withMs(limit)}`])].join(
    '. ',
  )
  return markup`<svg role="img" aria-labelledby="${id}-title ${id}-desc" viewBox="0 0 ${width} ${bottom + 42}" width="${width}" height="${bottom + 42}">
<title id="${id}-title">How long the outages of all runs were</title><desc id="${id}-desc">${said}.</desc>
${shares.map((share) => markup`<path class="grid" d="M${LEFT} ${y.at(share)}H${right}"/><text class="tick" x="${LEFT - 6}" y="${px(y.at(share) + 4)}" text-anchor="end">${share} %</text>`)}
${x.ticks.map((tick) => markup`<path class="grid" d="M${x.at(tick)} ${TOP}V${bottom + 4}"/><text class="tick" x="${x.at(tick)}" y="${bottom + 18}" text-anchor="middle">${Number(tick.toFixed(3))}</text>`)}
<text class="tick" x="${px((LEFT + right) / 2)}" y="${bottom + 36}" text-anchor="middle">longest outage of a run, ms</text>
${limit === undefined ? NOTHING : limitLine(limit, x, width)}
${series.map((each, i) => curve(each.values, kindOf(i), x, y))}
</svg>`
}
