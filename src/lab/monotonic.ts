import { type Millis, millis } from '../time.ts'

/** The clock of all processes of a machine that goes on evenly; it is not the one that `performance.now` counts from. */
export const monotonicNow = (): Millis => millis(Number(process.hrtime.bigint()) / 1e6)
