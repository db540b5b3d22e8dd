import { dice } from '../../src/simulate/dice.ts'

const HOUR_MS = 3_600_000

/**
 * False take-overs that are to be expected of one backup in an hour when each advert is lost with the probability `p`, and nothing else goes
 * wrong: it takes over when `count` adverts in a row are lost. The mean number of adverts until that has happened is
 * (1 − pⁿ) / ((1 − p) pⁿ) (waiting time for a run of n failures).
 */
export function expectedByLoss(p: number, count: number, intervalMs: number): number {
  return (HOUR_MS / intervalMs) * (((1 - p) * p ** count) / (1 - p ** count))
}

/** So many adverts are drawn. */
const DRAWN = 1_000_000

/**
 * The same when each advert is late by a time of its own, evenly drawn below `longestMs`: how often two arrivals are further apart than the
 * backup waits, which has the priority `priority`.
 */
export function expectedByDelay(longestMs: number, count: number, intervalMs: number, priority: number): number {
  const waitsMs = (count + (256 - priority) / 256) * intervalMs
  // Two arrivals in a row are never further apart.
  if (intervalMs + longestMs <= waitsMs) return 0
  const roll = dice(1)
  const arrivals = Float64Array.from(
    { length: DRAWN },
    (_, i) => i * intervalMs + (roll(1_000_000) / 1_000_000) * longestMs,
  )
  arrivals.sort()
  let late = 0
  for (let i = 1; i < arrivals.length; i++) if ((arrivals[i] ?? 0) - (arrivals[i - 1] ?? 0) > waitsMs) late++
  return (late / DRAWN) * (HOUR_MS / intervalMs)
}
