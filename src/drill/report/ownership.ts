import { millis, type Millis } from '../../time.ts'
import type { DirectorName, Recording } from '../recording.ts'

/** A time in which a director had a virtual address. */
export interface Holding {
  readonly director: DirectorName
  readonly address: string
  readonly from: Millis
  readonly to: Millis
}

/** Who had which address when. Whose first news is that an address is gone has had it from the beginning. */
export function holdings({ events, duration }: Pick<Recording, 'events' | 'duration'>): readonly Holding[] {
  const ended: Holding[] = []
  const open = new Map<string, Omit<Holding, 'to'>>()
  const known = new Set<string>()
  for (const event of events) {
    if (event.type !== 'address') continue
    const { director, address, at } = event
    const key = `${director} ${address}`
    const held = open.get(key) ?? (known.has(key) ? undefined : { director, address, from: millis(0) })
    known.add(key)
    if (event.holds) {
      if (!open.has(key)) open.set(key, { director, address, from: at })
    } else if (held !== undefined) {
      if (at > held.from) ended.push({ ...held, to: at })
      open.delete(key)
    }
  }
  return [...ended, ...[...open.values()].map((held) => ({ ...held, to: millis(Math.max(duration, held.from)) }))]
}

export interface OwnerTimes {
  /** In which an address was on both directors. */
  readonly two: Millis
  /** In which an address that somebody has had before was on none. */
  readonly none: Millis
}

/** Undefined: nobody is known to have had any address. */
export function ownerTimes(held: readonly Holding[], duration: Millis): OwnerTimes | undefined {
  if (held.length === 0) return undefined
  const edges = held
    .flatMap(({ address, from, to }) => [
      { address, at: from, change: 1 },
      { address, at: to, change: -1 },
    ])
    // What ends in the moment in which the next one begins has no gap, and no overlap.
    .toSorted((a, b) => a.at - b.at || a.change - b.change)
  const owners = new Map<string, number>()
  let [withTwo, withNone, last, two, none] = [0, 0, 0, 0, 0]
  for (const { address, at, change } of edges) {
    if (withTwo > 0) two += at - last
    if (withNone > 0) none += at - last
    last = at
    const before = owners.get(address)
    const now = (before ?? 0) + change
    owners.set(address, now)
    withTwo += Number(now > 1) - Number((before ?? 0) > 1)
    withNone += Number(now === 0) - Number(before === 0)
  }
  if (withNone > 0) none += Math.max(0, duration - last)
  return { two: millis(two), none: millis(none) }
}
