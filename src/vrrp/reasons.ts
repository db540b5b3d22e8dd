import type { VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import { type Backup, type Member, type Obstacle, timingOf, type Tracked } from './state.ts'
import { masterDownInterval } from './timers.ts'

/** Why instances are in their states, in words for people: the texts of `tanist status` and of the log. */

/** What is missing. */
export function faultReason({ interface: device, source, trackSource }: VrrpInstance, obstacle: Obstacle): string {
  if (obstacle.type === 'tracker') return trackerFault(obstacle.tracked)
  switch (obstacle.fault) {
    case 'no-interface':
      return `${device} does not exist`
    case 'down':
      return `${device} is down`
    case 'no-address':
      return `${device} has no IPv4 address`
    case 'no-source':
      return `${source} is not on ${trackSource ? device : 'this host'}`
  }
}

function trackerFault({ kind, name, state }: Tracked): string {
  if (kind === 'interface') return `${name} is ${state === 'good' ? 'up' : 'down'}`
  return typeof state === 'number' ? `${name} says ${state}` : `${name} reports a fault`
}

/** What an instance waits for that has not begun. */
export const waitReason = ({ kind, name }: Tracked): string => `waits for the first result of the ${kind} ${name}`

/** That it is there again. */
export function recoveryReason({ interface: device, source, trackSource }: VrrpInstance, obstacle: Obstacle): string {
  if (obstacle.type === 'tracker') {
    const { kind, name, state } = obstacle.tracked
    if (kind === 'interface') return `${name} is ${state === 'good' ? 'down' : 'up'} again`
    return `${name} reports no fault any more`
  }
  switch (obstacle.fault) {
    case 'no-interface':
    case 'down':
      return `${device} is up again`
    case 'no-address':
      return `${device} has an IPv4 address again`
    case 'no-source':
      return `${source} is on ${trackSource ? device : 'this host'} again`
  }
}

/** Why the down timer of a backup has ended. */
export function promotionReason(member: Member, { heard, masterInterval }: Backup, now: Millis): string {
  if (heard === undefined) return 'no adverts from a master'
  const { source, priority, at } = heard
  if (priority === 0) return `${source} gave the role up`
  // Adverts of a lower priority do not restart the timer: it ends although the master is heard.
  if (now - at < masterDownInterval(timingOf(member), masterInterval)) {
    const delay = member.config.preemptDelay > 0 ? `, and preempt_delay is over` : ''
    return `higher priority than ${source} (${priority})${delay}`
  }
  return `no adverts from ${source} for ${((now - at) / 1000).toFixed(1)} s`
}

/** What a backup has heard. */
export function backupReason(
  { config, priority: own }: Member,
  source: Ipv4,
  priority: number,
  preemptAt: Millis | undefined,
): string {
  if (priority === 0) return `${source} gave the role up`
  if (priority >= own) return `${source} is master with priority ${priority}`
  if (!config.preempt) return `${source} (${priority}) is master, and nopreempt is set`
  if (preemptAt !== undefined) return `${source} (${priority}) is master until preempt_delay is over`
  return `about to take over from ${source} (${priority})`
}

/** Why a master yields. */
export function yieldReason({ priority: own }: Member, source: Ipv4, priority: number): string {
  return priority === own
    ? `${source} has the same priority (${priority}) and a greater address`
    : `${source} has a higher priority (${priority})`
}
