import { type Interval, timeIn } from '../intervals.ts'
import type { Limit } from '../language/kinds.ts'
import { addressEvents, stretchesOf, timesOf, unknownDirectors } from '../ownership.ts'
import { limitMillis } from '../promises.ts'
import type { DirectorName } from '../recording.ts'
import type { Millis } from '../../time.ts'
import { cannotTell, counted, type Judge, msText, type Seen, type Verdict } from './seen.ts'

export const twoOwners: Judge<'two owners'> = ({ 'at most': most }, seen, part) => judgeOwners('both', most, seen, part)
export const noOwner: Judge<'no owner'> = ({ 'at most': most }, seen, part) => judgeOwners('none', most, seen, part)

function judgeOwners(owners: 'both' | 'none', most: Limit, seen: Seen, part: Interval): Verdict {
  const time = longestWith(owners, seen, part)
  if ('found' in time) return time
  const allowed = limitMillis(most, seen.promises)
  const whose = owners === 'both' ? 'both directors had' : 'no director had'
  const where = time.address === undefined ? 'an address' : time.address
  return { holds: time.ms <= allowed, found: `${whose} ${where} for ${msText(time.ms)} of at most ${msText(allowed)}` }
}

/** The virtual address with the longest time in all; none when it is 0 of each. */
export function longestWith(
  owners: 'both' | 'none',
  { events, virtualAddresses }: Pick<Seen, 'events' | 'virtualAddresses'>,
  part: Interval,
): { readonly address: string | undefined; readonly ms: number } | Verdict {
  const unknown = unknownDirectors(events)
  if (unknown.length > 0) return cannotTell(`nothing was seen of the addresses of ${unknown.join(' and ')}`)
  if (virtualAddresses.length === 0) return cannotTell('there is no virtual address')
  const stretches = stretchesOf(events, part.to)
  let longest: { readonly address: string | undefined; readonly ms: number } = { address: undefined, ms: 0 }
  for (const address of virtualAddresses) {
    const ms = timeIn(timesOf(owners, address, stretches), part)
    if (ms > longest.ms) longest = { address, ms }
  }
  return longest
}

/** What is told of a director within this time after the first word of it, in ms, it had before. */
const FIRST_WORDS = 100

export const takeOvers: Judge<'take-overs'> = ({ exactly, 'at most': most }, { events, virtualAddresses }, part) => {
  const [first] = virtualAddresses
  const unknown = unknownDirectors(events)
  if (first === undefined) return cannotTell('there is no virtual address')
  if (unknown.length > 0) return cannotTell(`nothing was seen of the addresses of ${unknown.join(' and ')}`)
  const knownSince = new Map<DirectorName, Millis>()
  const owners = new Set<DirectorName>()
  let count = 0
  for (const { at, director, address, holds } of addressEvents(events)) {
    const since = knownSince.get(director) ?? at
    knownSince.set(director, since)
    if (address !== first) continue
    if (holds && !owners.has(director) && at > since + FIRST_WORDS && at >= part.from && at < part.to) count++
    if (holds) owners.add(director)
    else owners.delete(director)
  }
  const limits = [
    ...(exactly === undefined ? [] : [`of exactly ${exactly}`]),
    ...(most === undefined ? [] : [`of at most ${most}`]),
  ]
  const found = [`${counted(count, 'take-over')} of ${first}`, ...limits].join(', ')
  return { holds: (exactly === undefined || count === exactly) && (most === undefined || count <= most), found }
}
