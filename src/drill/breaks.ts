import { type Millis, millis } from '../time.ts'
import { directorsMeant } from './directors.ts'
import type { Step } from './drill.ts'
import { clipped, type Interval, interval, union } from './intervals.ts'
import type { DirectorWord, HostWord } from './language/words.ts'
import { stretchesOf, timesWithAny } from './ownership.ts'
import { type DirectorName, DIRECTORS, type RecordedEvent } from './recording.ts'
import type { Promises } from './promises.ts'

/** What a step does to the way of packets. */
type Doing =
  /** It lasts until it is mended, or until the end; `lasts`: so long after the step at most. */
  | { readonly type: 'break'; readonly what: What; readonly of: readonly Target[]; readonly lasts?: Millis }
  | { readonly type: 'mend'; readonly what: What; readonly of: readonly Target[] }
  /** Something moves while it is done: what follows from it, who has the addresses says. */
  | { readonly type: 'moment' }

type What =
  | 'daemon'
  | 'files'
  | 'processor'
  | 'open files'
  | 'log'
  | 'cable'
  | 'link'
  | 'packets'
  | 'hearing'
  | 'server'
  | 'drained'
  | 'other'

/** What is broken: a director, or what is not theirs. */
type Target = DirectorName | Exclude<HostWord, DirectorWord> | 'all' | 'network'

/** Undefined: it only orders the drill. */
function doingOf(step: Step, active: DirectorName): Doing | undefined {
  const host = (word: HostWord): readonly Target[] =>
    word === 'client' || word.startsWith('server ') ? [word as Target] : directorsMeant(word as DirectorWord, active)
  switch (step.action) {
    case 'wait':
    case 'wait for':
    case 'claim':
    case 'say':
    case 'measure':
      return undefined
    case 'run':
      return { type: 'break', what: 'other', of: host(step.arguments.on) }
    case 'stop':
    case 'kill':
      return { type: 'break', what: 'daemon', of: directorsMeant(step.arguments.of, active) }
    case 'start':
      return { type: 'mend', what: 'daemon', of: directorsMeant(step.arguments.of, active) }
    case 'freeze':
      return {
        type: 'break',
        what: 'processor',
        of: directorsMeant(step.arguments.of, active),
        ...(step.arguments.for === undefined ? {} : { lasts: step.arguments.for }),
      }
    case 'starve':
      return { type: 'break', what: 'processor', of: directorsMeant(step.arguments.of, active) }
    case 'thaw':
    case 'feed':
      return { type: 'mend', what: 'processor', of: directorsMeant(step.arguments.of, active) }
    case 'limit files':
      return { type: 'break', what: 'open files', of: directorsMeant(step.arguments.of, active) }
    case 'block log':
      return { type: 'break', what: 'log', of: directorsMeant(step.arguments.of, active) }
    case 'unblock log':
      return { type: 'mend', what: 'log', of: directorsMeant(step.arguments.of, active) }
    case 'pull cable':
      return { type: 'break', what: 'cable', of: host(step.arguments.of) }
    case 'plug cable':
      return { type: 'mend', what: 'cable', of: host(step.arguments.of) }
    case 'take link down':
      return { type: 'break', what: 'link', of: directorsMeant(step.arguments.of, active) }
    case 'bring link up':
      return { type: 'mend', what: 'link', of: directorsMeant(step.arguments.of, active) }
    case 'disturb':
      return { type: 'break', what: 'packets', of: host(step.arguments.of) }
    case 'calm':
      return { type: 'mend', what: 'packets', of: host(step.arguments.of) }
    case 'separate':
      return { type: 'break', what: 'hearing', of: DIRECTORS }
    case 'join':
      return { type: 'mend', what: 'hearing', of: DIRECTORS }
    case 'change file':
    case 'write file':
    case 'remove file':
      return { type: 'break', what: 'files', of: directorsMeant(step.arguments.of, active) }
    case 'restore file':
      return { type: 'mend', what: 'files', of: directorsMeant(step.arguments.of, active) }
    case 'break server':
      return { type: 'break', what: 'server', of: [step.arguments.server] }
    case 'flap server':
      return { type: 'break', what: 'server', of: [step.arguments.server], lasts: step.arguments.for }
    case 'mend server':
      return { type: 'mend', what: 'server', of: [step.arguments.server] }
    case 'drain':
      return { type: 'break', what: 'drained', of: [step.arguments.server] }
    case 'undrain':
      return { type: 'mend', what: 'drained', of: [step.arguments.server] }
    // Whose address the client's neighbour table has afterwards, no director knows.
    case 'claim address':
      return { type: 'break', what: 'other', of: ['network'] }
    case 'send adverts':
      return {
        type: 'break',
        what: 'other',
        of: ['network'],
        lasts: millis(step.arguments.times * step.arguments.every),
      }
    case 'flood':
      return { type: 'break', what: 'other', of: ['network'], lasts: step.arguments.for }
    case 'release':
    case 'reload':
    case 'upgrade':
    case 'hand over':
    case 'take back':
    case 'maintain':
    case 'script says':
    case 'remove address':
    case 'unclaim address':
      return { type: 'moment' }
  }
}

/** A step of a drill, when it was done, and what it did. */
interface Done extends Interval {
  readonly doing: Doing
}

/** Everything that acted, in its order; `to` of what never came to its end is the end of the drill. */
function doneOf(steps: readonly Step[], events: readonly RecordedEvent[], active: DirectorName, end: Millis) {
  const ended = new Map<number, Millis>()
  for (const event of events) if (event.type === 'done') ended.set(event.step, event.at)
  return events.flatMap((event): readonly Done[] => {
    const step = event.type === 'begun' ? steps[event.step] : undefined
    const doing = step && doingOf(step, active)
    if (event.type !== 'begun' || doing === undefined) return []
    return [{ doing, from: event.at, to: ended.get(event.step) ?? end }]
  })
}

/** When the drill was over, and what was left of it was undone; undefined: there was nothing. */
export function undoing(events: readonly RecordedEvent[], end: Millis): Interval | undefined {
  if (!events.some(({ type }) => type === 'undone')) return undefined
  const last = events.findLast(({ type }) => type === 'done' || type === 'failed' || type === 'judged')
  return { from: last?.at ?? millis(0), to: end }
}

/** All that acts, each from its begin until it is done, or until what it goes on to do by itself is. */
export const actingTimes = (
  steps: readonly Step[],
  events: readonly RecordedEvent[],
  active: DirectorName,
  end: Millis,
): readonly Interval[] =>
  doneOf(steps, events, active, end).map(({ doing, from, to }) =>
    interval(from, to + (doing.type === 'break' ? (doing.lasts ?? 0) : 0)),
  )

/**
 * When something on the way of packets was broken, or was just being done: from the begin of a step until its mend is done. What is broken at
 * a director counts while it has an address, or may have one; a director that nobody asks for anything breaks nothing. A server that
 * is there again gets connections when the checks have found it.
 */
export function brokenTimes(
  steps: readonly Step[],
  events: readonly RecordedEvent[],
  active: DirectorName,
  promises: Promises,
  end: Millis,
): readonly Interval[] {
  const done = doneOf(steps, events, active, end)
  const stretches = stretchesOf(events, end)
  const owning = { director1: timesWithAny('director1', stretches), director2: timesWithAny('director2', stretches) }
  const broken = done.flatMap(({ doing, from, to }, i): readonly Interval[] => {
    if (doing.type !== 'break') return [{ from, to }]
    const moment = { from, to }
    const times = doing.of.flatMap((target): readonly Interval[] => {
      const mended = done.slice(i + 1).find((later) => mends(later.doing, doing.what, target))?.to ?? end
      const over = doing.lasts === undefined ? mended : millis(Math.min(mended, to + doing.lasts))
      const time = interval(from, over + (doing.what === 'server' ? promises.detection : 0))
      return target === 'director1' || target === 'director2' ? clipped(owning[target], time) : [time]
    })
    return [moment, ...times]
  })
  return union(broken)
}

/** What all of a kind are mended by, one is, too. */
const mends = (doing: Doing, what: What, target: Target): boolean =>
  doing.type === 'mend' && doing.what === what && (doing.of.includes(target) || doing.of.includes('all'))
