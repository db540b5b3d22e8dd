import type { Millis } from '../time.ts'
import { type Interval, interval, overlap, timeIn, union, widened } from './intervals.ts'
import type { ProbeRecord, TrafficRecord } from './recording.ts'

/** A time in which a probe was not answered. */
export interface Gap extends Interval {
  readonly probe: ProbeRecord
  readonly ms: number
  readonly lost: number
  /** How much of it is this machine's own doing. */
  readonly noise: Millis
}

/** Where a sender was late, and what happened past the directors, is not the same to the millisecond. */
const NEAR = 50

/** Those that go through the directors, or to them. */
export const probesOf = (traffic: readonly TrafficRecord[]): readonly ProbeRecord[] =>
  traffic.filter((each) => each.type === 'probe' && each.by !== 'beside') as readonly ProbeRecord[]

export const besideOf = (traffic: readonly TrafficRecord[]): readonly ProbeRecord[] =>
  traffic.filter((each) => each.type === 'probe' && each.by === 'beside') as readonly ProbeRecord[]

/**
 * The gaps of a probe that overlap a part, each as a whole: cut in two by a `measure` it would be short in both parts. The machine's noise
 * in a gap is the time in which the probe past the directors was not answered, or one of the two senders was late; once where these
 * coincide, as one stall of the machine shows in all of them.
 */
export function gapsIn(part: Interval, probe: ProbeRecord, traffic: readonly TrafficRecord[]): readonly Gap[] {
  const beside = besideOf(traffic)
  const stalls = union([
    ...beside.flatMap(({ gaps }) => gaps.map(({ at, ms }) => interval(at, at + ms))),
    ...[probe, ...beside].flatMap(({ late }) => late.map(({ at, ms }) => interval(at, at + ms))),
  ])
  return probe.gaps.flatMap(({ at, ms, lost }) => {
    const { from, to } = interval(at, at + ms + probe.periodMs)
    if (!overlap({ from, to }, part)) return []
    return [{ from, to, probe, ms, lost, noise: timeIn(stalls, widened({ from, to }, NEAR, NEAR)) }]
  })
}
