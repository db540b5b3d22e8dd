import type { Millis } from '../time.ts'
import { calls } from './libc.ts'

const CLOCK_MONOTONIC = 1
const TIMER_ABSTIME = 1
const NANOSECONDS = 1_000_000_000n

/**
 * Keeps this thread, and with it the event loop, in the kernel until a time of the monotonic clock, that of `process.hrtime`. Timers of
 * Node are a millisecond or two late even on an idle machine. A signal ends it early.
 */
export function sleepUntil(at: Millis): void {
  const nanoseconds = BigInt(Math.round(at * 1e6))
  const time = BigInt64Array.of(nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS) // struct timespec
  calls.clockNanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, new Uint8Array(time.buffer), null)
}
