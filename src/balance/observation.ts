import { after, type Millis, millis } from '../time.ts'

/** A server at which so many of its new connections fail within this time, and more than half of all, is held down for as long. */
export interface ObservationRule {
  readonly failures: number
  readonly within: Millis
}

/** A server of a service, by its name there, and what clients have met at it. */
export interface Observed {
  readonly name: string
  /** Clients would get it, if nobody kept it down for what is observed here. */
  readonly serves: boolean
  /** New connections, and those of them that were refused or had to be asked for again, since any beginning. */
  readonly opened: number
  readonly failed: number
}

interface Sample {
  readonly at: Millis
  readonly opened: number
  readonly failed: number
}

/** What is known of one server. */
interface Watch {
  /** BOUNDED: at most SAMPLES within the time of the rule, and one before it. */
  readonly samples: readonly Sample[]
  readonly heldUntil: Millis | undefined
}

/** BOUNDED by the servers of the service. */
export interface ObservationState {
  readonly servers: ReadonlyMap<string, Watch>
}

export const nothingObserved: ObservationState = { servers: new Map() }

/** So finely the time of a rule is seen. */
const SAMPLES = 10

/**
 * Holds down who fails its clients while others do not: at least one server must serve, and fail not more than half of its own, or have had
 * no client at all. A server that is held gets no connections, so only time can bring it back, and what it failed before is forgotten then.
 */
export function stepObservation(
  rule: ObservationRule,
  before: ObservationState,
  observed: readonly Observed[],
  now: Millis,
): ObservationState {
  const seen = observed.map((each) => {
    const known = before.servers.get(each.name)
    const isOver = known?.heldUntil !== undefined && now >= known.heldUntil
    const samples = isOver ? [] : (known?.samples ?? [])
    return { ...each, heldUntil: isOver ? undefined : known?.heldUntil, samples: withSample(rule, samples, each, now) }
  })
  const isBad = ({ samples }: (typeof seen)[number]) => {
    const { opened, failed } = lately(samples)
    return failed > opened / 2
  }
  const hasGoodOne = seen.some((each) => each.serves && each.heldUntil === undefined && !isBad(each))
  return {
    servers: new Map(
      seen.map((each) => {
        const { name, serves, samples, heldUntil } = each
        const isTooBad = serves && hasGoodOne && isBad(each) && lately(samples).failed >= rule.failures
        return [name, { samples, heldUntil: heldUntil ?? (isTooBad ? after(now, rule.within) : undefined) }]
      }),
    ),
  }
}

export const heldUntil = ({ servers }: ObservationState, name: string): Millis | undefined =>
  servers.get(name)?.heldUntil

/** Within the time of the rule. */
export const failedLately = ({ servers }: ObservationState, name: string): { opened: number; failed: number } =>
  lately(servers.get(name)?.samples ?? [])

function lately(samples: readonly Sample[]): { opened: number; failed: number } {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) return { opened: 0, failed: 0 }
  return { opened: last.opened - first.opened, failed: last.failed - first.failed }
}

/** The newest sample moves on until its time is over. Counts that are smaller than they were have begun anew. */
function withSample(
  { within }: ObservationRule,
  samples: readonly Sample[],
  { opened, failed }: Observed,
  now: Millis,
): readonly Sample[] {
  const sample = { at: now, opened, failed }
  const last = samples.at(-1)
  if (last === undefined || opened < last.opened || failed < last.failed) return [sample]
  const isSoon = samples.length > 1 && now < after(samples.at(-2)?.at ?? now, millis(within / SAMPLES))
  const all = [...(isSoon ? samples.slice(0, -1) : samples), sample]
  const firstWithin = all.findIndex(({ at }) => now <= after(at, within))
  return all.slice(Math.max(0, firstWithin))
}
