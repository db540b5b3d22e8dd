import { besideOf, type Gap, gapsIn, probesOf } from '../gaps.ts'
import type { Interval } from '../intervals.ts'
import { limitMillis } from '../promises.ts'
import type { ProbeRecord } from '../recording.ts'
import { cannotTell, counted, isBetween, type Judge, msText, type Seen, type Verdict } from './seen.ts'

/** Noise that is worth a word. */
const WORTH_SAYING = 10
/** A sender begins and ends so much behind and before the part that it was to see, at most. */
const AT_THE_EDGES = 2000

export const outage: Judge<'outage'> = ({ 'at most': most, 'at least': least }, seen, part) => {
  const probes = probesOf(seen.traffic)
  const missing = missingIn(part, probes)
  if (missing !== undefined) return missing
  const allowed = limitMillis(most, seen.promises)
  const wanted = least === undefined ? undefined : limitMillis(least, seen.promises)
  const worst = probes.flatMap((probe) => gapsIn(part, probe, seen.traffic)).reduce(worse, undefined)
  const noise = worst?.noise ?? 0
  const added = noise >= WORTH_SAYING ? ` and ${msText(noise)} of noise of this machine` : ''
  const atLeast = wanted === undefined ? '' : `, and at least ${msText(wanted)}`
  const found = `${worst === undefined ? 'no gap' : `longest gap ${msText(worst.ms)}`} of at most ${msText(allowed)}${added}${atLeast}`
  return orCut({ holds: isBetween(worst?.ms ?? 0, allowed + noise, wanted), found }, probes)
}

/** The gap that is longest without the noise in it. */
const worse = (one: Gap | undefined, other: Gap): Gap =>
  one === undefined || other.ms - other.noise > one.ms - one.noise ? other : one

export const lost: Judge<'lost'> = ({ 'at most': most, 'at least': least }, seen, part) => {
  const probes = probesOf(seen.traffic)
  const missing = missingIn(part, probes)
  if (missing !== undefined) return missing
  const all = sum(probes.map((probe) => lostIn(part, probe, seen)))
  // What loses packets past the directors does so on the way through them, at the rate of each probe.
  const less = sum(
    probes.map((probe) => {
      const beside = besideOf(seen.traffic).map((each) => (lostIn(part, each, seen) * each.periodMs) / probe.periodMs)
      return Math.min(lostIn(part, probe, seen), Math.round(Math.max(0, ...beside)))
    }),
  )
  const noise = less === 0 ? '' : `, less ${less} that were lost past the directors, too`
  const found = `${counted(all, 'lost probe')}${noise}, of at most ${most}${least === undefined ? '' : `, and at least ${least}`}`
  return orCut({ holds: isBetween(all - less, most, least), found }, probes)
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

const lostIn = (part: Interval, probe: ProbeRecord, { traffic }: Seen): number =>
  sum(gapsIn(part, probe, traffic).map(({ lost }) => lost))

/** Why nothing can be said of a part: no probe saw all of it. */
function missingIn({ from, to }: Interval, probes: readonly ProbeRecord[]): Verdict | undefined {
  if (probes.length === 0) return cannotTell('no probe ran through the directors')
  for (const { by, sent, ...probe } of probes) {
    if (sent === 0 || probe.from >= to || probe.to <= from)
      return cannotTell(`the ${by} probe did not run in this part`)
    if (probe.from > from + AT_THE_EDGES) {
      return cannotTell(`the ${by} probe began ${msText(probe.from - from)} after the begin of this part`)
    }
    if (probe.to < to - AT_THE_EDGES) {
      return cannotTell(`the ${by} probe ended ${msText(to - probe.to)} before the end of this part`)
    }
  }
  return undefined
}

/** With more gaps than were kept there may be longer and more ones than were found. */
const orCut = (verdict: Verdict, probes: readonly ProbeRecord[]): Verdict =>
  verdict.holds === true && probes.some(({ isCut }) => isCut)
    ? cannotTell(`${verdict.found}; but there were more gaps than could be kept`)
    : verdict
