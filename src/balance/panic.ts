import { type Millis, millis } from '../time.ts'

/** Too many servers of a service fail too soon after each other to be believed. */
export interface PanicRule {
  /** More than so many per cent of the servers. */
  readonly percent: number
  /** That fail within this time. */
  readonly within: Millis
}

/** What the checks say of a server, which is known by its name within its service. */
export interface Checked {
  readonly name: string
  readonly up: boolean
  /** A check has said so; before that nothing is known of it. */
  readonly isKnown: boolean
}

export interface PanicState {
  /** Servers that checks have found up, and have not found down since. */
  readonly wereUp: ReadonlySet<string>
  /** Servers that have gone down, and when. BOUNDED by the servers of the service. */
  readonly failedAt: ReadonlyMap<string, Millis>
  /** Those that count as up although their checks fail. */
  readonly held: ReadonlySet<string>
  readonly isPanicking: boolean
}

export const noPanic: PanicState = { wereUp: new Set(), failedAt: new Map(), held: new Set(), isPanicking: false }

/** As a director before this one has left it. */
export const heldPanic = (held: readonly string[], now: Millis): PanicState => ({
  ...noPanic,
  failedAt: new Map(held.map((name) => [name, now])),
  held: new Set(held),
  isPanicking: held.length > 0,
})

/**
 * Holds what was when more than `percent` of the servers have gone down within `within`: those go on as if they were up, and so does
 * each one that goes down from then on. It ends when not more than `percent` of them are held, since the others are back: what still
 * fails is down then. Only a server that a check has found up before can be held: at the start there is nothing to hold.
 */
export function stepPanic(rule: PanicRule, before: PanicState, servers: readonly Checked[], now: Millis): PanicState {
  const wereUp = new Set<string>()
  const failedAt = new Map<string, Millis>()
  for (const { name, up, isKnown } of servers) {
    if (up) {
      if (isKnown || before.wereUp.has(name)) wereUp.add(name)
      continue
    }
    const at = before.failedAt.get(name) ?? (before.wereUp.has(name) ? now : undefined)
    if (at !== undefined) failedAt.set(name, at)
  }
  const isTooMuch = (count: number) => count * 100 > rule.percent * servers.length
  const recent = [...failedAt].filter(([, at]) => at >= millis(now - rule.within)).map(([name]) => name)
  const held = before.isPanicking
    ? [...failedAt.keys()].filter((name) => before.held.has(name) || !before.failedAt.has(name))
    : recent
  const isPanicking = isTooMuch(held.length)
  return { wereUp, failedAt, held: new Set(isPanicking ? held : []), isPanicking }
}
