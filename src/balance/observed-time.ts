import { type Millis, millis } from '../time.ts'

/*
 * Observed time is the time in which a director of this name ran, in ms since the first one did. It goes with the monotonic clock, so that
 * nobody who sets the clock makes it longer or shorter, and it stands still while there is no director.
 */

/** For so long nobody looked. */
export interface Absence {
  /** In observed time. */
  readonly at: Millis
  /** By the clock of the day. */
  readonly length: Millis
}

/** BOUNDED: of more two that are close together become one. */
export const ABSENCES = 256

/** With one more, at the end. `keep`: those that are longer ago are forgotten. */
export function withAbsence(before: readonly Absence[], absence: Absence, keep: Millis): readonly Absence[] {
  if (absence.length <= 0) return before
  const all = [...before, absence].filter(({ at }) => at > absence.at - keep)
  if (all.length <= ABSENCES) return all
  // The longer ago, the coarser it may be. The last one stays by itself.
  const partOf = (i: number) => {
    const [first, second] = all.slice(i, i + 2)
    return first === undefined || second === undefined ? Infinity : (second.at - first.at) / (absence.at - first.at + 1)
  }
  const best = all.slice(0, -2).reduce((least, _, i) => (partOf(i) < partOf(least) ? i : least), 0)
  const joint = all.slice(best, best + 2)
  // At the first one's place, so that those that are joined already are as far from the next one as they are.
  const at = joint[0]?.at ?? absence.at
  return all.toSpliced(best, 2, { at, length: millis(joint.reduce((sum, { length }) => sum + length, 0)) })
}

/** Where in observed time the last `span` of the clock begins. */
export function beginOf(span: Millis, now: Millis, absences: readonly Absence[]): Millis {
  let at: number = now
  let left: number = span
  for (const absence of absences.toReversed()) {
    if (at - absence.at >= left) break
    left -= at - absence.at + absence.length
    at = absence.at
    if (left <= 0) return millis(at)
  }
  return millis(at - left)
}
