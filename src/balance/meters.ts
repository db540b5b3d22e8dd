import type { Counted, CoreReading } from '../model/core-reading.ts'
import type { Rates } from '../model/counters.ts'
import { type Estimate, estimate, ratesOf } from './estimator.ts'

/** Of what the core counts, by run. Bounded by the core's services and servers. */
export type Meters = ReadonlyMap<number, Estimate>

/** Measures from here on: what was counted before is no rate. */
export const beginMeters = (reading: CoreReading): Meters =>
  new Map(countedIn(reading).map(({ run, counters }) => [run, firstMet(counters)]))

/** The next tick, ESTIMATE_EVERY_SECONDS after the last one. What is new since then is measured from where its run began. */
export const tickMeters = (before: Meters, reading: CoreReading): Meters =>
  new Map(
    countedIn(reading).map(({ run, counters, zero }) => [run, estimate(before.get(run) ?? firstMet(zero), counters)]),
  )

/** Rates by run. */
export const ratesByRun = (meters: Meters): ReadonlyMap<number, Rates> =>
  new Map([...meters].map(([run, estimated]) => [run, ratesOf(estimated)]))

const countedIn = ({ services, servers }: CoreReading): Counted[] =>
  [...services, ...servers].map((each) => each.counted)

const firstMet = (now: Counted['counters']): Estimate => ({ last: now, averages: ratesOf(undefined) })
