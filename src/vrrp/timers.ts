import type { VrrpInstance } from '../model/vrrp.ts'
import { type Millis, millis } from '../time.ts'

/** What an instance's timers hang on: its version, and its effective priority. */
export type Timing = Pick<VrrpInstance, 'version' | 'priority'>

/** Skew_Time. RFC 9568 §6.1: by the master's interval; RFC 3768 §6.1: by one second. */
export function skewTime({ version, priority }: Timing, masterInterval: Millis): Millis {
  const unit = version === 3 ? masterInterval : 1000
  return millis(((256 - priority) * unit) / 256)
}

/** Active_Down_Interval (version 2: Master_Down_Interval), RFC 9568 §6.1. */
export function masterDownInterval(timing: Timing, masterInterval: Millis): Millis {
  return millis(3 * masterInterval + skewTime(timing, masterInterval))
}

/**
 * How long adverts may fail to arrive although their sender is there, when a link has just come up: Linux asks for a
 * neighbour once a second (`net.ipv4.neigh.*.retrans_time_ms`), and a switch may take as long to use the port. The down
 * timer begins after that.
 */
export const LINK_SETTLES = millis(1200)

/** When to say again where the source address is, for neighbours that have not taken it (Linux ignores news for 1 s). */
export const INTRODUCE_AFTER: readonly Millis[] = [millis(100), millis(300), millis(1100)]

/** A successor begins after at most one skew time, which is below its interval (version 2: 1 s), and may be busy. */
const SUCCESSOR_MARGIN = millis(200)

/** An orderly stop takes no longer. */
const LONGEST_LEAVE = millis(2500)

/** How long a stopping master may wait for its successor, and whether that is long enough to know that there is none. */
export function leaveTime(intervals: readonly Millis[]): { readonly wait: Millis; readonly conclusive: boolean } {
  const wait = Math.max(0, ...intervals) + SUCCESSOR_MARGIN
  return { wait: millis(Math.min(wait, LONGEST_LEAVE)), conclusive: wait <= LONGEST_LEAVE }
}

/** How long addresses stay on this host by themselves after an orderly stop without a successor: time for a restart. */
export const ADDRESSES_EXPIRE_AFTER = millis(10_000)
