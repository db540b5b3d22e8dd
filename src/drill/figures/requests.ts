import type { Interval } from '../intervals.ts'
import type { RequestsRecord } from '../recording.ts'
import { cannotTell, counted, type Judge, type Seen, within } from './seen.ts'

type Outcome = RequestsRecord['outcomes'][number]

const NONE_MADE = cannotTell('no requests were made in this part')
const NONE_ANSWERED = cannotTell('no request of this part was answered')

/** Those that were begun in the part. */
const requestsIn = (part: Interval, { traffic }: Seen): readonly Outcome[] =>
  traffic.flatMap((each) => (each.type === 'requests' ? within(part, each.outcomes) : []))

export const failedRequests: Judge<'failed requests'> = ({ 'at most': most }, seen, part) => {
  const requests = requestsIn(part, seen)
  if (requests.length === 0) return NONE_MADE
  const failed = requests.filter(({ failure }) => failure !== undefined)
  const kinds = [...countBy(failed, ({ failure = '' }) => failure)].toSorted(([, a], [, b]) => b - a)
  const why = kinds.length === 0 ? '' : ` (${kinds.map(([failure, count]) => `${failure}: ${count}`).join(', ')})`
  const found = `${counted(failed.length, 'failed request')}${why} of ${requests.length}, and of at most ${most}`
  return { holds: failed.length <= most, found }
}

export const answeredBy: Judge<'answered by'> = ({ servers }, seen, part) => {
  const answers = answersIn(part, seen)
  if (answers === undefined) return NONE_MADE
  if (answers.size === 0) return NONE_ANSWERED
  const wanted = new Set<string>(servers.flatMap((word) => (word === 'all' ? seen.servers : [word])))
  const missing = [...wanted].filter((name) => !answers.has(name))
  const others = [...answers.keys()].filter((name) => !wanted.has(name))
  const parts = [
    listed(answers),
    ...(missing.length > 0 ? [`none by ${missing.join(', ')}`] : []),
    ...(others.length > 0 ? [`${others.join(', ')} should have none`] : []),
  ]
  return { holds: missing.length === 0 && others.length === 0, found: `answered by ${parts.join('; ')}` }
}

export const notAnsweredBy: Judge<'not answered by'> = ({ servers }, seen, part) => {
  const answers = answersIn(part, seen)
  if (answers === undefined) return NONE_MADE
  if (answers.size === 0) return NONE_ANSWERED
  const unwanted = servers.flatMap((word) => (word === 'all' ? seen.servers : [word]))
  return { holds: !unwanted.some((name) => answers.has(name)), found: `answered by ${listed(answers)}` }
}

export const share: Judge<'share'> = ({ of: weights, within: tolerance }, seen, part) => {
  const answers = answersIn(part, seen)
  if (answers === undefined) return NONE_MADE
  if (answers.size === 0) return NONE_ANSWERED
  const all = total(answers.values())
  const sum = total(weights)
  const expected = new Map(weights.map((weight, i) => [`server ${i + 1}`, sum === 0 ? 0 : (all * weight) / sum]))
  const off = [...new Set([...expected.keys(), ...answers.keys()])].filter((name) => {
    const wanted = expected.get(name) ?? 0
    const had = answers.get(name) ?? 0
    // Where nothing is due a single answer is wrong.
    return wanted === 0 ? had > 0 : Math.abs(had - wanted) > tolerance
  })
  const shares = [...expected].map(([name, wanted]) => `${name} ${answers.get(name) ?? 0} of ${round(wanted)}`)
  const strangers = [...answers].filter(([name]) => !expected.has(name)).map(([name, count]) => `${name} ${count} of 0`)
  const found = `${[...shares, ...strangers].join(', ')}; ${off.length === 0 ? '' : `${off.join(', ')} more than `}${tolerance} off${off.length === 0 ? ' at most' : ''}`
  return { holds: off.length === 0, found }
}

const round = (value: number): number => Math.round(value * 10) / 10

const total = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0)

/** How many by each server, by their names; undefined: there were no requests. */
function answersIn(part: Interval, seen: Seen): ReadonlyMap<string, number> | undefined {
  const requests = requestsIn(part, seen)
  if (requests.length === 0) return undefined
  const answered = requests.filter(({ failure, by }) => failure === undefined && by !== undefined)
  const counts = countBy(answered, ({ by = '' }) => by)
  return new Map([...counts].toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })))
}

function countBy<T>(values: readonly T[], key: (value: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(key(value), (counts.get(key(value)) ?? 0) + 1)
  return counts
}

const listed = (answers: ReadonlyMap<string, number>): string =>
  [...answers].map(([name, count]) => `${name} (${count})`).join(', ')
