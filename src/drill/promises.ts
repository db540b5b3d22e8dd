import type { Checker } from '../model/checker.ts'
import type { Config } from '../model/config.ts'
import type { Check } from '../model/check.ts'
import type { VrrpInstance } from '../model/vrrp.ts'
import { type Millis, millis } from '../time.ts'
import type { Limit, Promised } from './language/kinds.ts'
import { type DirectorName, otherDirector } from './recording.ts'

/** How long each of what a configuration promises is. */
export type Promises = Readonly<Record<Promised, Millis>>

/** Of a take-over, for timers and processes of a busy machine. */
const TAKEOVER_FACTOR = 1.05
const TAKEOVER_SLACK = 20
/** The new master answers for the addresses before the old one has ceased to: this is for neighbours that take a moment to believe it. */
const HANDOVER = millis(100)
/** From the last failed check until the core sends nothing there any more, on a busy machine. */
const DETECTION_SLACK = 250

/**
 * What two configurations promise as long as the trackers of the standby are good: with a bad one its priority is lower, and its skew
 * time longer. Of what is nowhere in them (no instance that both have, no check) the slack alone is promised.
 */
export function promisesOf(configs: Readonly<Record<DirectorName, Config>>, active: DirectorName): Promises {
  const master = configs[active]
  const standby = configs[otherDirector(active)]
  const downs = standby.instances.flatMap((instance) => {
    const partner = partnerOf(instance, master.instances)
    return partner === undefined ? [] : [downInterval(instance, partner)]
  })
  const checks = Object.values(configs)
    .flatMap(({ virtualServers }) => virtualServers)
    .flatMap(({ realServers }) => realServers)
    .flatMap((real) => real.checks)
  return {
    takeover: millis(Math.max(0, ...downs) * TAKEOVER_FACTOR + TAKEOVER_SLACK),
    handover: HANDOVER,
    detection: millis(longest(checks.filter(isNetworkCheck).map(detectionOf)) + DETECTION_SLACK),
  }
}

/** How long it is with these promises. */
export const limitMillis = ({ plus, promised }: Limit, promises: Promises): Millis =>
  millis(promised.reduce<number>((sum, each) => sum + promises[each], plus))

/** Without a spread: a configuration may have more checks than a call takes arguments. */
const longest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0)

/** As on the wire: by virtual router id and family. The name tells unicast routers apart that share these. */
function partnerOf({ name, vrid, family }: VrrpInstance, others: readonly VrrpInstance[]): VrrpInstance | undefined {
  const same = others.filter((other) => other.vrid === vrid && other.family === family)
  return same.find((other) => other.name === name) ?? same[0]
}

/**
 * Active_Down_Interval of the backup (RFC 9568 §6.1): in version 3 by the interval that it has learnt from its master, in version 2,
 * where that is nothing it learns, by its own and a skew time of one second (RFC 3768 §6.1).
 */
function downInterval(backup: VrrpInstance, master: VrrpInstance): number {
  const interval = backup.version === 3 ? master.advertInt : backup.advertInt
  const unit = backup.version === 3 ? interval : 1000
  return backup.election.downTimerAdverts * interval + ((256 - backup.priority) * unit) / 256
}

const isNetworkCheck = (check: Checker): check is Check => 'target' in check

/**
 * From a fault right after a good answer until the round that takes the server down: the pause, and in each of the `fall` rounds that
 * are needed all questions to the end of their time, with `delay_before_retry` between. What answers at once that it is down is found
 * sooner. Of several URLs the first one that fails ends a question.
 */
function detectionOf({
  delayLoop,
  fastInterval = delayLoop,
  fall = 1,
  retry,
  delayBeforeRetry,
  timeout,
}: Check): number {
  const round = (retry + 1) * timeout + retry * delayBeforeRetry
  return delayLoop + fall * round + (fall - 1) * fastInterval
}
