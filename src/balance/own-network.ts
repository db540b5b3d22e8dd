import { type Millis, millis } from '../time.ts'

/** What the checks say of a server, wherever it serves. `name` is unique on this host. */
export interface Reached {
  readonly name: string
  readonly address: string
  readonly up: boolean
  /** A check has said so. */
  readonly isKnown: boolean
  /** It is down because this host has no way to it. */
  readonly isUnreachable: boolean
}

export interface NetworkState {
  readonly wereUp: ReadonlySet<string>
  /** Servers that have gone down for want of a way, and when. BOUNDED by the servers of the configuration. */
  readonly lostAt: ReadonlyMap<string, Millis>
  /** Those that count as up although nobody can reach them. */
  readonly held: ReadonlySet<string>
  /** There is no way to any server. */
  readonly isCut: boolean
  /** The network is back, and until then it may take to ask those again that are still held. */
  readonly until: Millis | undefined
}

export const wholeNetwork: NetworkState = {
  wereUp: new Set(),
  lostAt: new Map(),
  held: new Set(),
  isCut: false,
  until: undefined,
}

/** As a director before this one has left it: cut, if it has held anybody. */
export const heldNetwork = (held: readonly string[], now: Millis): NetworkState => ({
  ...wholeNetwork,
  lostAt: new Map(held.map((name) => [name, now])),
  held: new Set(held),
  isCut: held.length > 0,
})

/**
 * Whose fault it is that servers cannot be reached. No way to one server takes that one down. No way to any, of two addresses at least, is
 * this host's network: those that were lost in the last two rounds count as up again, since nobody could ask them. When there is a way to one
 * of them again each has one more round to be asked. `round` is the longest time from one answer of a checker to its next.
 */
export function stepNetwork(
  before: NetworkState,
  servers: readonly Reached[],
  round: Millis,
  now: Millis,
): NetworkState {
  const wereUp = new Set<string>()
  const lostAt = new Map<string, Millis>()
  for (const { name, up, isKnown, isUnreachable } of servers) {
    if (up && (isKnown || before.wereUp.has(name))) wereUp.add(name)
    if (up || !isUnreachable) continue
    const at = before.lostAt.get(name) ?? (before.wereUp.has(name) ? now : undefined)
    if (at !== undefined) lostAt.set(name, at)
  }
  const known = servers.filter(({ isKnown }) => isKnown)
  const addresses = new Set(known.map(({ address }) => address))
  const isCut = addresses.size > 1 && known.every(({ isUnreachable }) => isUnreachable)
  if (isCut) {
    const since = millis(now - 2 * round)
    const recent = [...lostAt].filter(
      ([name, at]) => before.held.has(name) || (!before.isCut && at >= since) || at === now,
    )
    return { wereUp, lostAt, held: new Set(recent.map(([name]) => name)), isCut, until: undefined }
  }
  const until = before.isCut ? millis(now + round) : before.until
  const isOver = until === undefined || now >= until
  const held = isOver ? [] : [...before.held].filter((name) => lostAt.has(name))
  return { wereUp, lostAt, held: new Set(held), isCut, until: isOver || held.length === 0 ? undefined : until }
}
