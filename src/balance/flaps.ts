import { after, type Millis } from '../time.ts'

/** A server that changes so often within this time is not brought up until it has been good for as long. */
export interface FlapRule {
  readonly changes: number
  readonly within: Millis
}

/** A server of a service, by its name there. */
export interface Watched {
  readonly name: string
  /** What its checks say; `held`: that is not believed; `untried`: they have said nothing yet. */
  readonly state: 'up' | 'down' | 'held' | 'untried'
  /** Clients would get it, if nobody kept it down for its flapping. */
  readonly serves: boolean
}

/** What is known of one server. */
export interface Flapping {
  readonly up: boolean
  /** When it changed, the last times. BOUNDED by the rule. */
  readonly changes: readonly Millis[]
  readonly isDamped: boolean
}

export interface FlapState {
  /** BOUNDED by the servers of the service. */
  readonly servers: ReadonlyMap<string, Flapping>
  /** Those that are up although they flap, as nobody else was there. */
  readonly spared: ReadonlySet<string>
  /** Those that are good and kept down all the same. */
  readonly keptDown: ReadonlySet<string>
}

export const noFlaps: FlapState = { servers: new Map(), spared: new Set(), keptDown: new Set() }

/**
 * Keeps down who flaps, and only those that are about to come up: nobody is taken out of service by this. When no other server serves, the
 * one that has been good the longest comes up, and stays for as long as it is good. A failure that is not believed was no change.
 */
export function stepFlaps(rule: FlapRule, before: FlapState, watched: readonly Watched[], now: Millis): FlapState {
  const servers = new Map<string, Flapping>()
  for (const { name, state } of watched) {
    const next = stepOne(rule, before.servers.get(name), state, now)
    if (next !== undefined) servers.set(name, next)
  }
  const isDamped = (name: string) => servers.get(name)?.isDamped === true
  const good = watched.filter(({ name, state }) => isDamped(name) && (state === 'up' || state === 'held'))
  const spared = new Set(good.filter(({ name }) => before.spared.has(name)).map(({ name }) => name))
  if (!watched.some(({ name, serves }) => serves && (!isDamped(name) || spared.has(name)))) {
    const goodSince = ({ name }: Watched) => servers.get(name)?.changes.at(-1) ?? now
    const [longest] = good.filter(({ serves }) => serves).toSorted((a, b) => goodSince(a) - goodSince(b))
    if (longest !== undefined) spared.add(longest.name)
  }
  const keptDown = new Set(good.filter(({ name }) => !spared.has(name)).map(({ name }) => name))
  return { servers, spared, keptDown }
}

function stepOne(
  rule: FlapRule,
  before: Flapping | undefined,
  state: Watched['state'],
  now: Millis,
): Flapping | undefined {
  if (state === 'untried') return before
  if (before === undefined) return { up: state !== 'down', changes: [], isDamped: false }
  if (state === 'held') return before.up ? before : { ...before, up: true, changes: before.changes.slice(0, -1) }
  const up = state === 'up'
  if (up === before.up) {
    const until = goodUntil(rule, before)
    return until !== undefined && now >= until ? { up, changes: [], isDamped: false } : before
  }
  const changes = [...before.changes, now].slice(-rule.changes)
  const [first = now] = changes
  const isTooOften = changes.length === rule.changes && now <= after(first, rule.within)
  return { up, changes, isDamped: before.isDamped || isTooOften }
}

/** When a server that flaps has been good for long enough; undefined: it does not flap, or is not good. */
export function goodUntil({ within }: FlapRule, { up, changes, isDamped }: Flapping): Millis | undefined {
  const since = changes.at(-1)
  return up && isDamped && since !== undefined ? after(since, within) : undefined
}
