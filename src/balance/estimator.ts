import type { Counters, Rates } from '../model/counters.ts'

/** The estimator is run once in so many seconds. */
export const ESTIMATE_EVERY_SECONDS = 2

/** Counters as they were, and averages with a binary fraction. */
export interface Estimate {
  readonly last: Counters
  readonly averages: Rates
}

/**
 * IPVS's estimator: a quarter of the way to the latest rate every two seconds. Its fixed-point arithmetic is followed, so that
 * the numbers come out the same: 10 bits of fraction for connections and packets, 5 for bytes.
 */
const KINDS: readonly { readonly of: keyof Counters; readonly fraction: number }[] = [
  { of: 'connections', fraction: 10 },
  { of: 'inPackets', fraction: 10 },
  { of: 'outPackets', fraction: 10 },
  { of: 'inBytes', fraction: 5 },
  { of: 'outBytes', fraction: 5 },
]

const NOTHING: Counters = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

const forEachKind = (value: (kind: (typeof KINDS)[number]) => number): Rates =>
  // fromEntries forgets that every kind is there.
  Object.fromEntries(KINDS.map((kind) => [kind.of, value(kind)])) as Rates

/** The next tick. Undefined before the first one: what is to be counted began with nothing. */
export function estimate(before: Estimate | undefined, now: Counters): Estimate {
  const last = before?.last ?? NOTHING
  const averages = forEachKind(({ of, fraction }) => {
    const rate = (Number(now[of] - last[of]) * 2 ** fraction) / ESTIMATE_EVERY_SECONDS
    const average = before?.averages[of] ?? 0
    return average + Math.floor((rate - average) / 4)
  })
  return { last: now, averages }
}

/** Averages in whole numbers, as ipvsadm shows them: rounded up from just above nothing. */
export function ratesOf(estimated: Estimate | undefined): Rates {
  return forEachKind(({ of, fraction }) => {
    const half = 2 ** (fraction - 1) - 1
    return Math.floor(((estimated?.averages[of] ?? 0) + half) / 2 ** fraction)
  })
}
