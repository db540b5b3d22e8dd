import type { Millis } from '../../time.ts'

/**
 * The numbers that make signed adverts different from each other: 64 bits, the time since 1970 in seconds (32), in 1/65536 of a
 * second (16), and a counter (16). They are compared as RFC 1982 does, so that they go on in 2106.
 */

const BITS = 64
const COUNTER_BITS = 16n
const TICKS_A_SECOND = 65_536

const wrapped = (value: bigint): bigint => BigInt.asUintN(BITS, value)

/** The first number of a moment, in ms since the epoch. */
export const sequenceAt = (epochMs: number): bigint =>
  wrapped(BigInt(Math.floor((epochMs / 1000) * TICKS_A_SECOND)) << COUNTER_BITS)

/** By how many ms the moment of `a` is later than that of `b`; negative when it is earlier. */
export const millisBetween = (a: bigint, b: bigint): number =>
  (Number(BigInt.asIntN(BITS, a - b) >> COUNTER_BITS) / TICKS_A_SECOND) * 1000

/** Whether `a` comes after `b` (RFC 1982 §3.2). */
export const isAfter = (a: bigint, b: bigint): boolean => BigInt.asIntN(BITS, a - b) > 0n

/**
 * The number of the next advert. It is greater than the one before, also when the clock stands still, or was set back by no more than
 * what receivers allow. A clock that was set back further is followed: numbers of the future would be refused until it gets there.
 * Without a window (only the order counts) they never go back.
 */
export function nextSequence(last: bigint | undefined, epochMs: number, window: Millis | undefined): bigint {
  const now = sequenceAt(epochMs)
  if (last === undefined || isAfter(now, last)) return now
  return window === undefined || millisBetween(last, now) <= window ? wrapped(last + 1n) : now
}

/**
 * Whether a number that was signed rightly counts. `last`: the one before it from the same sender. A last one that is further in the
 * future than the window allows was taken while a clock was wrong, and is no measure: a clock that was stepped recovers at once.
 */
export function judgeSequence(
  sequence: bigint,
  last: bigint | undefined,
  epochMs: number,
  window: Millis | undefined,
): 'new' | 'stale' | 'replayed' {
  const now = sequenceAt(epochMs)
  if (window !== undefined && Math.abs(millisBetween(sequence, now)) > window) return 'stale'
  if (last === undefined || isAfter(sequence, last)) return 'new'
  return window !== undefined && millisBetween(last, now) > window ? 'new' : 'replayed'
}
