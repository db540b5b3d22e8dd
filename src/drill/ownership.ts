import type { Millis } from '../time.ts'
import { type Interval, union } from './intervals.ts'
import { type DirectorName, DIRECTORS, type RecordedEvent } from './recording.ts'

type AddressEvent = Extract<RecordedEvent, { readonly type: 'address' }>

/** A time in which no address came or went. Undefined: it is not known yet, nothing of that director has been seen. */
interface Stretch extends Interval {
  readonly held: Readonly<Record<DirectorName, ReadonlySet<string> | undefined>>
}

/** In the order in which they happened: what two directors tell may arrive in another one. */
export const addressEvents = (events: readonly RecordedEvent[]): readonly AddressEvent[] =>
  events.filter((event) => event.type === 'address').toSorted((a, b) => a.at - b.at)

/**
 * Who had which address when, until `until`, by what the kernels have said. From the first event of a director on all of its addresses are
 * known: those that no event has named it does not have.
 */
export function stretchesOf(events: readonly RecordedEvent[], until: Millis): readonly Stretch[] {
  const told = addressEvents(events)
  const stretches: Stretch[] = []
  let held: Stretch['held'] = { director1: undefined, director2: undefined }
  for (const [i, { at, director, address, holds }] of told.entries()) {
    const now = new Set(held[director])
    if (holds) now.add(address)
    else now.delete(address)
    held = { ...held, [director]: now }
    const to = told[i + 1]?.at ?? until
    if (at < to) stretches.push({ from: at, to, held })
  }
  return stretches
}

/** Directors of which no event has told. */
export const unknownDirectors = (events: readonly RecordedEvent[]): readonly DirectorName[] => {
  const told = new Set(addressEvents(events).map(({ director }) => director))
  return DIRECTORS.filter((name) => !told.has(name))
}

/** When both directors had an address, or none. What is not known is neither. */
export function timesOf(owners: 'both' | 'none', address: string, stretches: readonly Stretch[]): readonly Interval[] {
  const wanted = owners === 'both'
  return union(stretches.filter(({ held }) => DIRECTORS.every((name) => held[name]?.has(address) === wanted)))
}

/** When a director had any address, or may have had one. */
export const timesWithAny = (director: DirectorName, stretches: readonly Stretch[]): readonly Interval[] =>
  union(stretches.filter(({ held }) => held[director]?.size !== 0))
