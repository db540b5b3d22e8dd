import type { VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import type { Backup, Fault } from './state.ts'
import { masterDownInterval } from './timers.ts'

/** Why instances are in their states, in words for people: the texts of `tanist status` and of the log. */

/** What is missing. */
export function faultReason({ interface: device, source }: VrrpInstance, fault: Fault): string {
  switch (fault) {
    case 'no-interface':
      return `${device} does not exist`
    case 'down':
      return `${device} is down`
    case 'no-address':
      return `${device} has no IPv4 address`
    case 'no-source':
      return `${source} is not on this host`
  }
}

/** That it is there again. */
export function recoveryReason({ interface: device, source }: VrrpInstance, fault: Fault): string {
  switch (fault) {
    case 'no-interface':
    case 'down':
      return `${device} is up again`
    case 'no-address':
      return `${device} has an IPv4 address again`
    case 'no-source':
      return `${source} is on this host again`
  }
}

/** Why the down timer of a backup has ended. */
export function promotionReason(config: VrrpInstance, { heard, masterInterval }: Backup, now: Millis): string {
  if (heard === undefined) return 'no adverts from a master'
  const { source, priority, at } = heard
  if (priority === 0) return `${source} gave the role up`
  // Adverts of a lower priority do not restart the timer: it ends although the master is heard.
  if (now - at < masterDownInterval(config, masterInterval)) {
    const delay = config.preemptDelay > 0 ? `, and preempt_delay is over` : ''
    return `higher priority than ${source} (${priority})${delay}`
  }
  return `no adverts from ${source} for ${((now - at) / 1000).toFixed(1)} s`
}

/** What a backup has heard. */
export function backupReason(config: VrrpInstance, source: Ipv4, priority: number, preemptAt?: Millis): string {
  if (priority === 0) return `${source} gave the role up`
  if (priority >= config.priority) return `${source} is master with priority ${priority}`
  if (!config.preempt) return `${source} (${priority}) is master, and nopreempt is set`
  if (preemptAt !== undefined) return `${source} (${priority}) is master until preempt_delay is over`
  return `about to take over from ${source} (${priority})`
}

/** Why a master yields. */
export function yieldReason(config: VrrpInstance, source: Ipv4, priority: number): string {
  return priority === config.priority
    ? `${source} has the same priority (${priority}) and a greater address`
    : `${source} has a higher priority (${priority})`
}
