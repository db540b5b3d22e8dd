import { type Millis, millis } from '../time.ts'

/** BOUNDED: a rise has at most so many steps, and at most one in so long. */
const MOST_STEPS = 100
const SHORTEST_STEP = 1000

/** A server that starts slowly: since when it is up again, and after how long it has its whole weight. */
export interface Rise {
  readonly since: Millis
  readonly over: Millis
}

/**
 * How a server with `slow_start` stands, which is known by its name on this host. `unsure`: nobody has asked yet, or what its checks
 * say is not believed.
 */
export interface Starter {
  readonly name: string
  readonly over: Millis
  readonly state: 'up' | 'down' | 'unsure'
}

export interface SlowStarts {
  /** Those that checks have found down. BOUNDED by the servers of the configuration, as the other one is. */
  readonly down: ReadonlySet<string>
  readonly rising: ReadonlyMap<string, Rise>
}

export const noSlowStarts: SlowStarts = { down: new Set(), rising: new Map() }

/** A server that was down and is up rises; one that was never down, or was held up meanwhile, has its whole weight. */
export function stepSlowStarts(before: SlowStarts, starters: readonly Starter[], now: Millis): SlowStarts {
  const down = new Set<string>()
  const rising = new Map<string, Rise>()
  for (const { name, over, state } of starters) {
    if (state === 'down') down.add(name)
    if (state !== 'up') continue
    const since = before.down.has(name) ? now : before.rising.get(name)?.since
    if (since !== undefined && now < since + over) rising.set(name, { since, over })
  }
  return { down, rising }
}

/** The part of its weight that a server has by now. It grows in equal steps, and is at least 1, but for a weight of 0. */
export function risenWeight(weight: number, rise: Rise, now: Millis): number {
  return weightOfStep(weight, stepAt(rise, now), stepsOf(rise))
}

/** When the weight will be another one than now; undefined: it is the whole one. */
export function nextRise(weight: number, rise: Rise, now: Millis): Millis | undefined {
  const count = stepsOf(rise)
  const current = risenWeight(weight, rise, now)
  for (let step = stepAt(rise, now) + 1; step <= count; step++) {
    // Whole milliseconds: a part of one that is lost in a division would be before the step.
    if (weightOfStep(weight, step, count) !== current) return millis(Math.ceil(rise.since + (rise.over * step) / count))
  }
  return undefined
}

const stepsOf = ({ over }: Rise): number => Math.min(MOST_STEPS, Math.ceil(over / SHORTEST_STEP))

const stepAt = (rise: Rise, now: Millis): number => Math.floor(((now - rise.since) * stepsOf(rise)) / rise.over)

/** Step 0 has a share already, and the last one the whole. */
function weightOfStep(weight: number, step: number, count: number): number {
  if (step >= count) return weight
  return Math.max(Math.min(1, weight), Math.floor((weight * (step + 1)) / (count + 1)))
}
