import type { Millis } from '../../time.ts'
import { DIRECTORS, type ProbeRecord, type Recording } from '../recording.ts'
import { axis, type Axis, type Extent, joined, px, tickTime } from './axis.ts'
import { listed } from './entries.ts'
import { probesOf } from './figures.ts'
import { type Markup, markup, NOTHING } from './markup.ts'
import { type Holding, holdings } from './ownership.ts'
import { printable } from './printable.ts'
import { counted, inSeconds, withMs } from './units.ts'

/** Of a row's name, `director1`. */
const LEFT = 70
const RIGHT = 12
const HEADING = 18
const ROW = 13
const ROW_GAP = 3
const LANE_GAP = 12
const MARK = 18
/** Of a character of a label, a bit more than the widest fonts need. */
const CHARACTER = 7
const HEADING_CHARACTER = 6.6
/** Steps nearer than that have one line, in px. */
const STEP_LINES_APART = 4
/** Addresses that got lost and found as near as that go the same way, in px. */
const SAME_PLACE = 3
/** Gaps that take a smaller share of the longest one have no label. */
const LABEL_SHARE = 0.02
const LABELS_APART = 12
const TICK_SPACE = 80
/** Addresses that go different ways; more than these are counted only. */
const MOST_ADDRESSES = 5
const MOST_PROBES = 4
const MOST_LABELS = 12

/** A part of the picture, from its own top on. */
interface Lane {
  readonly height: number
  draw(top: number): Markup
}

/** Lines of the grid and of steps end above it, and go on below. */
const heading = (text: string, top: number, height = HEADING) =>
  markup`<rect class="blank" x="0" y="${px(top - 1)}" width="100%" height="${height}"/><text class="heading" x="0" y="${px(top + 13)}">${text}</text>`
/** The longest of some texts that fits in the picture; the last one, cut, when none does. */
function fitting(texts: readonly string[], { to }: Extent): string {
  const most = Math.floor((to + RIGHT) / HEADING_CHARACTER)
  const fits = texts.find((text) => printable(text).length <= most)
  return fits ?? `${printable(texts.at(-1) ?? '').slice(0, most - 1)}…`
}

const rowName = (text: string, top: number) => markup`<text class="row" x="0" y="${px(top + ROW - 2.5)}">${text}</text>`

const bars = (extents: readonly Extent[], kind: string, top: number, height: number): Markup => ({
  markup: joined(extents, 2)
    .map(
      ({ from, to }) =>
        markup`<rect class="${kind}" x="${from}" y="${px(top)}" width="${px(to - from)}" height="${height}" rx="1"/>`
          .markup,
    )
    .join(''),
})

const ground = (x: Axis, from: number, to: number, top: number) =>
  markup`<rect class="ground" x="${x.at(from)}" y="${px(top)}" width="${px(Math.max(0, x.at(to) - x.at(from)))}" height="${ROW}" rx="1"/>`

/** What went the same way, as far as can be seen. */
interface Way {
  readonly names: string[]
  readonly held: readonly Holding[]
}

function isSameWay(a: readonly Holding[], b: readonly Holding[], x: Axis): boolean {
  const isNear = (one: Millis, other: Millis) => Math.abs(x.at(one) - x.at(other)) <= SAME_PLACE
  return (
    a.length === b.length &&
    a.every(({ director, from, to }, i) => {
      const other = b[i]
      return other !== undefined && other.director === director && isNear(other.from, from) && isNear(other.to, to)
    })
  )
}

function waysOf(recording: Recording, x: Axis): readonly Way[] {
  const held = holdings(recording)
  const byAddress = new Map<string, Holding[]>(recording.virtualAddresses.map((address) => [address, []]))
  for (const each of held) {
    const own = byAddress.get(each.address)
    if (own === undefined) byAddress.set(each.address, [each])
    else own.push(each)
  }
  const ways: Way[] = []
  for (const [name, held] of byAddress) {
    const same = ways.find((way) => isSameWay(way.held, held, x))
    if (same === undefined) ways.push({ names: [name], held })
    else same.names.push(name)
  }
  return ways
}

/** Addresses that went the same way share a lane. */
function addressLanes(recording: Recording, x: Axis, within: Extent): readonly Lane[] {
  const ways = waysOf(recording, x)
  const rest = ways.slice(MOST_ADDRESSES).reduce((sum, { names }) => sum + names.length, 0)
  const lanes = ways.slice(0, MOST_ADDRESSES).map(({ names, held }): Lane => {
    const title = fitting(
      [4, 3, 2, 1].map((most) => `who has ${listed(names, most)}`),
      within,
    )
    return {
      height: HEADING + DIRECTORS.length * (ROW + ROW_GAP),
      draw: (top) =>
        markup`${heading(title, top)}${DIRECTORS.map((director, i) => {
          const rowTop = top + HEADING + i * (ROW + ROW_GAP)
          const own = held.filter((each) => each.director === director)
          const extents = own.map(({ from, to }) => ({ from: x.at(from), to: x.at(to) }))
          return markup`${rowName(director, rowTop)}${ground(x, 0, recording.duration, rowTop)}${bars(extents, director, rowTop, ROW)}`
        })}`,
    }
  })
  const note: Lane = {
    height: HEADING,
    draw: (top) => heading(`and ${counted(rest, 'address', 'addresses')} that went other ways`, top),
  }
  return rest > 0 ? [...lanes, note] : lanes
}

/** Where labels go so that none lies on another; those of the longest gaps first, and those that find no place are left out. */
function placedLabels(
  gaps: ProbeRecord['gaps'],
  x: Axis,
  within: Extent,
): readonly { readonly text: string; readonly middle: number }[] {
  const placed: { text: string; middle: number; half: number }[] = []
  const longest = gaps.toSorted((a, b) => b.ms - a.ms).slice(0, MOST_LABELS)
  for (const { at, ms } of longest) {
    if (ms < (longest[0]?.ms ?? 0) * LABEL_SHARE) break
    const text = withMs(ms)
    const half = (text.length * CHARACTER) / 2
    const middle = Math.min(within.to - half, Math.max(within.from + half, (x.at(at) + x.at(at + ms)) / 2))
    if (placed.every((other) => Math.abs(other.middle - middle) >= other.half + half + LABELS_APART)) {
      placed.push({ text, middle: px(middle), half })
    }
  }
  return placed
}

const BY: Readonly<Record<ProbeRecord['by'], string>> = {
  udp: 'UDP probe of',
  tcp: 'TCP probe of',
  icmp: 'ping of',
  beside: 'probe of',
}

function probeLane(probe: ProbeRecord, x: Axis, within: Extent): Lane {
  const lost = probe.gaps.reduce((sum, gap) => sum + gap.lost, 0)
  const found = `${lost} of ${probe.sent} lost`
  const named = `${BY[probe.by]} ${probe.target}: ${found}`
  const title = fitting([probe.gaps.length > 1 ? `${named} in ${probe.gaps.length} gaps` : named, named, found], within)
  const labels = placedLabels(probe.gaps, x, within)
  const labelHeight = labels.length > 0 ? 15 : 0
  const extents = probe.gaps.map(({ at, ms }) => ({ from: x.at(at), to: x.at(at + ms) }))
  return {
    height: HEADING + labelHeight + ROW,
    draw(top) {
      const rowTop = top + HEADING + labelHeight
      return markup`${heading(title, top, HEADING + labelHeight)}${labels.map(
        ({ text, middle }) =>
          markup`<text class="gap-label" x="${middle}" y="${px(rowTop - 4)}" text-anchor="middle">${text}</text>`,
      )}${rowName('answered', rowTop)}${ground(x, probe.from, probe.to, rowTop)}${bars([{ from: x.at(probe.from), to: x.at(probe.to) }], 'answered', rowTop + ROW / 2 - 1.5, 3)}${bars(extents, 'gap', rowTop, ROW)}`
    },
  }
}

/** Moments as ticks: those of a px are one. */
function tickLane(title: string, name: string, moments: readonly Millis[], x: Axis, duration: Millis): Lane {
  const extents = moments.map((at) => ({ from: x.at(at), to: x.at(at) }))
  return {
    height: HEADING + ROW,
    draw: (top) =>
      markup`${heading(title, top)}${rowName(name, top + HEADING)}${ground(x, 0, duration, top + HEADING)}${bars(extents, 'fault', top + HEADING, ROW)}`,
  }
}

function noiseLane(recording: Recording, x: Axis): Lane | undefined {
  const beside = probesOf(recording, 'beside')
  const late = [...beside, ...probesOf(recording, 'through')].flatMap((probe) => probe.late)
  if (beside.length === 0) return undefined
  const gaps = beside.flatMap((probe) => probe.gaps)
  // Where a sender was late it is late until then.
  const extents = [
    ...gaps.map(({ at, ms }) => ({ from: x.at(at), to: x.at(at + ms) })),
    ...late.map(({ at, ms }) => ({ from: x.at(at - ms), to: x.at(at) })),
  ]
  const lost = gaps.reduce((sum, gap) => sum + gap.lost, 0)
  const sent = beside.reduce((sum, probe) => sum + probe.sent, 0)
  return {
    height: HEADING + ROW,
    draw: (top) =>
      markup`${heading(`past the directors: ${lost} of ${sent} lost`, top)}${rowName('noise', top + HEADING)}${ground(x, 0, recording.duration, top + HEADING)}${bars(extents, 'noise', top + HEADING, ROW)}`,
  }
}

function trafficLanes(recording: Recording, x: Axis, within: Extent): readonly Lane[] {
  const { traffic, duration } = recording
  const probes = probesOf(recording, 'through').slice(0, MOST_PROBES)
  const requests = traffic.filter((each) => each.type === 'requests').slice(0, MOST_PROBES)
  const connections = traffic.filter((each) => each.type === 'connections').slice(0, MOST_PROBES)
  const noise = noiseLane(recording, x)
  return [
    ...probes.map((probe) => probeLane(probe, x, within)),
    ...requests.map(({ target, outcomes }) => {
      const failed = outcomes.filter(({ failure }) => failure !== undefined).map(({ at }) => at)
      const found = `${failed.length} of ${outcomes.length} failed`
      const title = fitting([`requests to ${target}: ${found}`, `requests: ${found}`], within)
      return tickLane(title, 'failed', failed, x, duration)
    }),
    ...connections.map(({ target, count, events }) => {
      const faults = events.filter(({ what }) => what !== 'silent').map(({ at }) => at)
      const found = `${counted(faults.length, 'fault')} of ${count}`
      const title = fitting([`connections to ${target}: ${found}`, `connections: ${found}`], within)
      return tickLane(title, 'faults', faults, x, duration)
    }),
    ...(noise === undefined ? [] : [noise]),
  ]
}

interface Mark extends Extent {
  readonly first: number
  readonly last: number
}

const markOf = (first: number, last: number, middle: number, within: Extent): Mark => {
  const text = first === last ? `${first}` : `${first}–${last}`
  const half = Math.max(MARK, text.length * CHARACTER + 8) / 2
  const place = Math.min(within.to - half, Math.max(within.from + half, middle))
  return { first, last, from: place - half, to: place + half }
}

/** Marks of steps by their numbers; those that would lie on each other are one: `3–7`. */
export function stepMarks(places: readonly number[], within: Extent): readonly Mark[] {
  const marks: Mark[] = []
  for (const [i, place] of places.entries()) {
    let mark = markOf(i + 1, i + 1, place, within)
    for (let last = marks.at(-1); last !== undefined && last.to + 2 > mark.from; last = marks.at(-1)) {
      marks.pop()
      const [begin = 0, end = 0] = [places[last.first - 1], places[mark.last - 1]]
      mark = markOf(last.first, mark.last, (begin + end) / 2, within)
    }
    marks.push(mark)
  }
  return marks
}

function markLane(places: readonly number[], bottom: number, within: Extent): Markup {
  const lines: number[] = []
  for (const place of places) if (place - (lines.at(-1) ?? -Infinity) >= STEP_LINES_APART) lines.push(place)
  return markup`${lines.map((place) => markup`<path class="step-line" d="M${place} ${MARK + 2}V${px(bottom)}"/>`)}<text class="row" x="0" y="14">steps</text>${stepMarks(
    places,
    within,
  ).map(
    ({ first, last, from, to }) =>
      markup`<rect class="mark" x="${px(from)}" y="1" width="${px(to - from)}" height="${MARK}" rx="${MARK / 2}"/><text class="mark-text" x="${px((from + to) / 2)}" y="14" text-anchor="middle">${first === last ? first : `${first}–${last}`}</text>`,
  )}`
}

function timeAxis(x: Axis, bottom: number): Markup {
  const step = (x.ticks[1] ?? 1000) - (x.ticks[0] ?? 0)
  return markup`${x.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${x.at(tick)} ${MARK + 4}V${px(bottom + 4)}"/><text class="tick" x="${x.at(tick)}" y="${px(bottom + 18)}" text-anchor="middle">${tickTime(tick, step)}</text>`,
  )}`
}

/** In words, for who cannot see it. */
function description(recording: Recording): string {
  const longest = probesOf(recording, 'through')
    .flatMap(({ gaps }) => gaps)
    .reduce<ProbeRecord['gaps'][number] | undefined>((a, b) => (a !== undefined && a.ms >= b.ms ? a : b), undefined)
  const gap =
    longest === undefined
      ? 'No probe was lost.'
      : `The longest gap of a probe begins at ${inSeconds(longest.at)} and takes ${withMs(longest.ms)}.`
  return `Time from 0 to ${inSeconds(recording.duration)}. ${gap} Who had which address when is in the timeline, too.`
}

/** What happened in a run over its time. `id` is unique in the page; `steps`: when each was begun. */
export function probePlot(recording: Recording, steps: readonly Millis[], id: string, width: number): Markup {
  const within = { from: LEFT, to: width - RIGHT }
  const most = Math.max(2, Math.floor((within.to - within.from) / TICK_SPACE))
  const x = axis(0, Math.max(recording.duration, 1), within, { most, isTime: true })
  const lanes = [...addressLanes(recording, x, within), ...trafficLanes(recording, x, within)]
  let top = MARK + LANE_GAP
  const drawn: Markup[] = []
  for (const lane of lanes) {
    drawn.push(lane.draw(top))
    top += lane.height + LANE_GAP
  }
  const bottom = top - LANE_GAP / 2
  const places = steps.map((at) => x.at(at))
  return markup`<svg role="img" aria-labelledby="${id}-title ${id}-desc" viewBox="0 0 ${width} ${px(bottom + 24)}" width="${width}" height="${px(bottom + 24)}">
<title id="${id}-title">What happened over the time of the drill</title><desc id="${id}-desc">${description(recording)}</desc>
${timeAxis(x, bottom)}
${places.length > 0 ? markLane(places, bottom, within) : NOTHING}
${drawn}
</svg>`
}
