import { ANY_INTERFACE, type VrrpInstance } from '../model/vrrp.ts'
import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'
import { type Backup, type Member, type Obstacle, timingOf, type Tracked } from './state.ts'
import { masterDownInterval } from './timers.ts'

/** Why instances are in their states, in words for people: the texts of `tanist status` and of the log. */

/** What is missing. */
export function faultReason(instance: VrrpInstance, obstacle: Obstacle): string {
  const { source, trackSource } = instance
  const device = deviceOf(instance)
  if (obstacle.type === 'tracker') return trackerFault(obstacle.tracked)
  if (obstacle.type === 'robbed') return `another program takes ${obstacle.address} away again and again`
  switch (obstacle.fault) {
    case 'no-interface':
      return `${device} does not exist`
    case 'down':
      return `${device} is down`
    case 'no-address':
      return `${device} has no ${sourceKind(instance)}`
    case 'no-source':
      return `${source} is not on ${trackSource ? device : 'this host'}`
    case 'no-peer':
      return 'it has no unicast peer, and unicast_fault_no_peer is set'
  }
}

const deviceOf = ({ interface: device, source }: VrrpInstance) =>
  device === ANY_INTERFACE ? `the interface that has ${source}` : device

/** What adverts come from. */
const sourceKind = ({ family }: VrrpInstance) => (family === 4 ? 'IPv4 address' : 'link-local IPv6 address')

function trackerFault({ kind, name, state }: Tracked): string {
  if (kind === 'interface') return `${name} is ${state === 'good' ? 'up' : 'down'}`
  return typeof state === 'number' ? `${name} says ${state}` : `${name} reports a fault`
}

/** Of an instance that begins. */
export const startReason = (begins: Millis, now: Millis): string =>
  begins > now ? `started, with a start delay of ${((begins - now) / 1000).toFixed(1)} s` : 'started'

/** What an instance waits for that has not begun. */
export const waitReason = ({ kind, name }: Tracked): string => `waits for the first result of the ${kind} ${name}`

/** That it is there again. */
export function recoveryReason(instance: VrrpInstance, obstacle: Obstacle): string {
  const { source, trackSource } = instance
  const device = deviceOf(instance)
  if (obstacle.type === 'tracker') {
    const { kind, name, state } = obstacle.tracked
    if (kind === 'interface') return `${name} is ${state === 'good' ? 'down' : 'up'} again`
    return `${name} reports no fault any more`
  }
  if (obstacle.type === 'robbed') return `tries again with ${obstacle.address}`
  switch (obstacle.fault) {
    case 'no-interface':
    case 'down':
      return `${device} is up again`
    case 'no-address':
      return `${device} has ${instance.family === 4 ? 'an' : 'a'} ${sourceKind(instance)} again`
    case 'no-source':
      return `${source} is on ${trackSource ? device : 'this host'} again`
    case 'no-peer':
      return 'it need not have a unicast peer any more, or has one'
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

/** Of a master that did not run for `silence`. */
export const overtakenReason = (silence: Millis): string =>
  `sent no advert for ${(silence / 1000).toFixed(2)} s: another router may be master by now`

/** Of a backup whose timer has ended `late`. */
export const lateReason = (late: Millis): string =>
  `did not run for ${(late / 1000).toFixed(2)} s: listens again before it takes over`

/** What a backup has heard. `held`: why it displaces nobody. */
export function backupReason(
  { priority: own }: Member,
  source: Address,
  priority: number,
  held: string | undefined,
  preemptAt: Millis | undefined,
): string {
  if (priority === 0) return `${source} gave the role up`
  if (priority >= own) return `${source} is master with priority ${priority}`
  if (held !== undefined) return `${source} (${priority}) is master, and ${held}`
  if (preemptAt !== undefined) return `${source} (${priority}) is master until preempt_delay is over`
  return `about to take over from ${source} (${priority})`
}

/** Why a master yields. */
export function yieldReason({ priority: own }: Member, source: Address, priority: number): string {
  return priority === own
    ? `${source} has the same priority (${priority}) and a greater address`
    : `${source} has a higher priority (${priority})`
}
