import { after, millis, type Millis } from '../../time.ts'
import type { DirectorName, Judgement, RecordedEvent } from '../recording.ts'

/** What a timeline tells of an event. `text` is as it came, not escaped. */
export interface Entry {
  readonly at: Millis
  readonly kind: 'step' | 'plain' | 'part' | 'held' | 'broken' | 'open' | 'log' | 'detail'
  /** What is wrong, in a word or two. */
  readonly label: string | undefined
  readonly text: string
}

/** Addresses that a director got or lost in one moment. */
export interface AddressNews {
  readonly at: Millis
  readonly director: DirectorName
  readonly holds: boolean
  readonly addresses: readonly string[]
}

/** News of one moment: the kernel tells of addresses one by one. */
const MOMENT = millis(20)
/** Of more than these the number is told. */
const ADDRESSES_NAMED = 4

const entry = (at: Millis, kind: Entry['kind'], text: string, label?: string): Entry => ({ at, kind, text, label })

/** `a, b and c`, and of more than `most` `a, b and 7 more`. */
export function listed(names: readonly string[], most = ADDRESSES_NAMED): string {
  // Of one more its name is as short as its count.
  const isCut = names.length > most + 1
  const shown = isCut ? names.slice(0, most) : names.slice(0, -1)
  const last = isCut ? `${names.length - most} more` : (names.at(-1) ?? '')
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

const told = ({ at, director, holds, addresses }: AddressNews): Entry =>
  entry(at, 'plain', `${director} ${holds ? 'has' : 'no longer has'} ${listed(addresses)}`)

/** `text`: that of the claim, with what was found. */
function judged(at: Millis, { text, of, holds, found }: Judgement): Entry {
  const whole = `${of === 'claim' ? '' : `${of}: `}${text}${found === '' ? '' : `: ${found}`}`
  if (holds === true) return entry(at, 'held', whole)
  if (holds === false) return entry(at, 'broken', whole, 'NOT TRUE')
  return of === 'claim' ? entry(at, 'broken', whole, 'NOT JUDGED') : entry(at, 'open', whole, 'not judged')
}

function entryOf(event: Exclude<RecordedEvent, { type: 'address' }>): Entry {
  const { at } = event
  switch (event.type) {
    case 'begun':
      return entry(at, 'step', event.text)
    case 'done':
      return entry(at, 'detail', 'done')
    case 'failed':
      return entry(at, 'broken', event.reason, 'FAILED')
    case 'undone':
      return event.failure === undefined
        ? entry(at, 'plain', `undone: ${event.text}`)
        : entry(at, 'broken', `${event.text}: ${event.failure}`, 'NOT UNDONE')
    case 'judged':
      return judged(at, event.judgement)
    case 'said':
      return entry(at, 'plain', event.text)
    case 'part':
      return entry(at, 'part', event.name)
    case 'log':
      return entry(at, 'log', `${event.director}: ${event.line}`)
    case 'called':
      return entry(at, 'plain', `${event.director} runs ${[event.command, ...event.arguments].join(' ')}`)
  }
}

/** `waiting`: news of addresses that may go on. BOUNDED by the addresses that change within a moment. */
export interface Told {
  readonly waiting: readonly AddressNews[]
  readonly entries: readonly Entry[]
}

/** What there is to tell at `now` of news that wait. */
export function settle(waiting: readonly AddressNews[], now: Millis): Told {
  const isOver = ({ at }: AddressNews) => after(at, MOMENT) < now
  return { waiting: waiting.filter((news) => !isOver(news)), entries: waiting.filter(isOver).map(told) }
}

/** What waits, at the end. */
export const settleAll = (waiting: readonly AddressNews[]): readonly Entry[] => waiting.map(told)

/** One event more. */
export function tell(before: readonly AddressNews[], event: RecordedEvent): Told {
  if (event.type !== 'address') return { waiting: [], entries: [...settleAll(before), entryOf(event)] }
  const { waiting, entries } = settle(before, event.at)
  const { at, director, holds, address } = event
  // Whoever has nothing when the drill begins has lost nothing.
  if (at === 0 && !holds) return { waiting, entries }
  const last = waiting.findLast((news) => news.director === director)
  const joined =
    last?.holds === holds
      ? waiting.map((news) => (news === last ? { ...last, addresses: [...last.addresses, address] } : news))
      : [...waiting, { at, director, holds, addresses: [address] }]
  return { waiting: joined, entries }
}

/** Of a whole run. */
export function entriesOf(events: readonly RecordedEvent[]): readonly Entry[] {
  const entries: Entry[] = []
  let waiting: readonly AddressNews[] = []
  for (const event of events) {
    const told = tell(waiting, event)
    waiting = told.waiting
    for (const each of told.entries) entries.push(each)
  }
  return [...entries, ...settleAll(waiting)]
}
