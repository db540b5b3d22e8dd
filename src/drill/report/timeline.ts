import type { Millis } from '../../time.ts'
import type { Drill } from '../drill.ts'
import { type Ending, isGood, type RecordedEvent, type Recording } from '../recording.ts'
import { type AddressNews, entriesOf, type Entry, settle, settleAll, tell } from './entries.ts'
import { printable } from './printable.ts'
import { counted, inSeconds } from './units.ts'

export interface TimelineStyle {
  readonly hasColours: boolean
  /** With log lines, and the ends of steps. */
  readonly isVerbose: boolean
}

/** Lines for people, and what waits for more of the same moment: the next call gets it. */
export interface TimelineLines {
  readonly waiting: readonly AddressNews[]
  readonly lines: readonly string[]
}

const SGR = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

const styled = (style: keyof typeof SGR, text: string, { hasColours }: Pick<TimelineStyle, 'hasColours'>): string =>
  hasColours ? `\x1b[${SGR[style][0]}m${text}\x1b[${SGR[style][1]}m` : text

/** Of `999.9 s`; a longer one pushes its line to the right. */
const TIME_WIDTH = 7

function formatted({ at, kind, label, text }: Entry, style: TimelineStyle): readonly string[] {
  const shown = printable(text)
  const line = (said: string) => [`${inSeconds(at).padStart(TIME_WIDTH)}  ${said}`]
  switch (kind) {
    case 'step':
    case 'plain':
      return line(shown)
    case 'part':
      return ['', styled('bold', shown, style)]
    case 'held':
      return line(`${styled('green', '✓', style)} ${shown}`)
    case 'broken':
      return line(`${styled('red', `✗ ${label ?? ''}:`, style)} ${shown}`)
    case 'open':
      return line(`${styled('yellow', `? ${label ?? ''}:`, style)} ${shown}`)
    case 'log':
    case 'detail':
      return style.isVerbose ? line(styled('dim', shown, style)) : []
  }
}

const linesOf = (entries: readonly Entry[], style: TimelineStyle) => entries.flatMap((each) => formatted(each, style))

/** The lines of an event as it comes. Addresses wait until their moment is over: `settledLines` tells them when nothing else comes. */
export function eventLines(waiting: readonly AddressNews[], event: RecordedEvent, style: TimelineStyle): TimelineLines {
  const told = tell(waiting, event)
  return { waiting: told.waiting, lines: linesOf(told.entries, style) }
}

/** What has waited long enough at `now`; all of it with `now` undefined, at the end. */
export function settledLines(
  waiting: readonly AddressNews[],
  now: Millis | undefined,
  style: TimelineStyle,
): TimelineLines {
  if (now === undefined) return { waiting: [], lines: linesOf(settleAll(waiting), style) }
  const told = settle(waiting, now)
  return { waiting: told.waiting, lines: linesOf(told.entries, style) }
}

/** `7: A cable is pulled` */
export const titleOf = ({ number, name }: Pick<Drill, 'number' | 'name'>): string =>
  printable(number === undefined ? name : `${number}: ${name}`)

/** Before a drill begins. */
export function titleLines(drill: Pick<Drill, 'number' | 'name' | 'promise'>, style: TimelineStyle): readonly string[] {
  const promise = drill.promise === undefined ? [] : [`promised: ${printable(drill.promise)}`]
  return ['', styled('bold', titleOf(drill), style), ...promise]
}

/** Why a drill ended before its last step; undefined: it did not. */
export function endingText(ending: Ending): string | undefined {
  switch (ending) {
    case 'finished':
      return undefined
    case 'failed':
      return 'The drill ended at a step that failed.'
    case 'interrupted':
      return 'The drill was interrupted.'
    case 'time limit':
      return 'The drill took longer than it may.'
    case 'lost connection':
      return 'The connection to a machine was lost.'
  }
}

/** `Every claim held.`, and what did not. */
export function verdictOf(recording: Pick<Recording, 'ending' | 'judgements'>): string {
  const broken = recording.judgements.filter(({ of, holds }) => holds === false || (of === 'claim' && holds !== true))
  const claims = broken.filter(({ of }) => of === 'claim').length
  const invariants = broken.length - claims
  const counts = [
    ...(claims > 0 ? [counted(claims, 'claim')] : []),
    ...(invariants > 0 ? [counted(invariants, 'invariant')] : []),
  ]
  const said = counts.length === 0 ? [] : [`${counts.join(' and ')} did not hold.`]
  const ending = endingText(recording.ending)
  return [...(ending === undefined ? [] : [ending]), ...said].join(' ') || 'Every claim held.'
}

/** When a drill is at its end. */
export const endLines = (
  recording: Pick<Recording, 'ending' | 'judgements'>,
  style: TimelineStyle,
): readonly string[] => ['', styled(isGood(recording) ? 'green' : 'red', verdictOf(recording), style)]

/** Of a whole run, from its title to its verdict. */
export const timelineOf = (recording: Recording, style: TimelineStyle): readonly string[] => [
  ...titleLines(recording.drill, style),
  ...linesOf(entriesOf(recording.events), style),
  ...endLines(recording, style),
]
