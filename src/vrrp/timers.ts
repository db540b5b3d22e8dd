import type { VrrpInstance } from '../model/vrrp.ts'
import { type Millis, millis } from '../time.ts'

/** What an instance's timers hang on, its effective priority above all. */
export interface Timing extends Pick<VrrpInstance, 'version' | 'priority'> {
  /** Adverts that may fail to come: `downTimerAdverts`. */
  readonly adverts?: number
}

/** Skew_Time. RFC 9568 §6.1: by the master's interval; RFC 3768 §6.1: by one second. */
export function skewTime({ version, priority }: Timing, masterInterval: Millis): Millis {
  const unit = version === 3 ? masterInterval : 1000
  return millis(((256 - priority) * unit) / 256)
}

/** Active_Down_Interval (version 2: Master_Down_Interval), RFC 9568 §6.1. */
export function masterDownInterval(timing: Timing, masterInterval: Millis): Millis {
  return millis((timing.adverts ?? 3) * masterInterval + skewTime(timing, masterInterval))
}

/** How much longer than the own interval one may be that a router says for the first time. */
const LEARNED_AT_ONCE = 3

/**
 * The interval that counts of what a router says. RFC 9568 §6.4.2 takes any; but then one packet with 40.95 s in it, from
 * anybody, has its hearers wait for two minutes when their master dies. What it says `again` is believed.
 */
export function learnedInterval(own: Millis, said: Millis, again: boolean): Millis {
  return again ? said : millis(Math.min(said, LEARNED_AT_ONCE * own))
}

/**
 * How long a master that yields to a router with a longer interval than its own waits for the next advert of it, which may have
 * been the only one: less than three own intervals in all, whatever it says. If there is a second one, that restarts the timer.
 */
export function doubtInterval(timing: Timing, own: Millis): Millis {
  return masterDownInterval({ ...timing, adverts: Math.min(timing.adverts ?? 3, 2) }, own)
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

/** A planned hand-over takes no longer: whoever has asked for it waits. */
const LONGEST_YIELD = millis(20_000)

/**
 * When a master that hands over says goodbye again, and when it knows that nobody follows: a peer that has missed both
 * goodbyes begins after its down timer, of at most four intervals.
 */
export function yieldTimes(intervals: readonly Millis[]): { readonly again: Millis; readonly wait: Millis } {
  const longest = Math.max(1000, ...intervals)
  return {
    again: millis(longest + SUCCESSOR_MARGIN),
    wait: millis(Math.min(4 * longest + SUCCESSOR_MARGIN, LONGEST_YIELD)),
  }
}

/** A restart by systemd finds the addresses that were given up in its place within that time, where no peer has followed. */
const RESTART_TAKES = millis(5000)

/** How long addresses outlast their director's farewell: until its peers have them, or it is there again. */
export function successorTime(intervals: readonly Millis[]): Millis {
  return millis(Math.max(RESTART_TAKES, Math.max(0, ...intervals) + SUCCESSOR_MARGIN))
}

/** How long addresses stay on this host by themselves after an orderly stop without a successor: time for a restart. */
export const ADDRESSES_EXPIRE_AFTER = millis(10_000)
