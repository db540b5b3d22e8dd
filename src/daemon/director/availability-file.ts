import { readFileSync, statSync, utimesSync } from 'node:fs'
import type { History, Period, SeenState } from '../../balance/availability.ts'
import { type Absence, withAbsence } from '../../balance/observed-time.ts'
import { type Millis, millis } from '../../time.ts'
import { STATE_FOLDER, writeOwnFile } from '../run-file.ts'

/** What a director of this name has seen of its servers and services, and its predecessors. */
export interface Observed {
  /** How long they have looked, in all. */
  readonly time: Millis
  /** When nobody did. */
  readonly absences: readonly Absence[]
  /** By the names of servers and services. */
  readonly histories: ReadonlyMap<string, History>
}

const FORMAT = 1
const NOT_OURS = 'it is not what this program writes'
const STATES: readonly SeenState[] = ['up', 'down', 'unknown']

/** Where the director of this name keeps what it has seen. */
export const availabilityPath = (name: string): string => `${STATE_FOLDER}/${name}.availability.json`

/** `at` is now, by the clock of the day. Throws when it cannot be written. */
export function keepObserved(name: string, { time, absences, histories }: Observed, at = Date.now()): void {
  const subjects = Object.fromEntries([...histories].map(([subject, history]) => [subject, packed(history)]))
  const gaps = absences.map((absence) => [absence.at, absence.length])
  writeOwnFile(availabilityPath(name), `${JSON.stringify({ format: FORMAT, at, time, absences: gaps, subjects })}\n`)
}

/** What the file says is so until now: its time is until when. Throws when there is none. */
export function confirmObserved(name: string): void {
  const now = new Date()
  utimesSync(availabilityPath(name), now, now)
}

/**
 * What was seen before this start; undefined when there is nothing. From the file's time on nobody has looked; a clock that was set back
 * since does not say how long, and that counts as no time at all. Throws when the file does not say; `keep` as for `withAbsence`.
 */
export function keptObserved(name: string, keep: Millis, now = Date.now()): Observed | undefined {
  const path = availabilityPath(name)
  const until = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  if (until === undefined) return undefined
  try {
    const { at, time, absences, histories } = observedOf(JSON.parse(readFileSync(path, 'utf8')))
    const seen = millis(time + Math.max(0, until - at))
    return { time: seen, absences: withAbsence(absences, { at: seen, length: millis(now - until) }, keep), histories }
  } catch (error) {
    throw new Error(`${path} ignored: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function packed({ since, state, stateSince, lastKnown, periods }: History): readonly unknown[] {
  const rows = periods.map((each) => [
    ...[each.from, each.to, each.down, each.unknown].map(Math.round),
    each.failures,
    each.goesOn ? 1 : 0,
  ])
  return [Math.round(since), state, Math.round(stateSince), lastKnown ?? null, rows]
}

function observedOf(value: unknown): Observed & { readonly at: number } {
  const { format, at, time, absences, subjects } = (value ?? {}) as Record<string, unknown>
  if (format !== FORMAT) throw new Error(NOT_OURS)
  if (typeof subjects !== 'object' || subjects === null) throw new Error(NOT_OURS)
  return {
    at: numberOf(at),
    time: millis(numberOf(time)),
    absences: listOf(absences).map((each) => {
      const [from, length] = listOf(each).map(numberOf)
      return { at: millis(numberOf(from)), length: millis(numberOf(length)) }
    }),
    histories: new Map(Object.entries(subjects).map(([subject, history]) => [subject, historyOf(history)])),
  }
}

function historyOf(value: unknown): History {
  const [since, state, stateSince, lastKnown, periods] = listOf(value)
  const isKnown = STATES.find((each) => each === state)
  if (isKnown === undefined) throw new Error(NOT_OURS)
  return {
    since: millis(numberOf(since)),
    state: isKnown,
    stateSince: millis(numberOf(stateSince)),
    lastKnown: lastKnown === 'up' || lastKnown === 'down' ? lastKnown : undefined,
    periods: listOf(periods).map(periodOf),
  }
}

function periodOf(value: unknown): Period {
  const [from, to, down, unknown, failures, goesOn] = listOf(value).map(numberOf)
  const period = {
    from: millis(numberOf(from)),
    to: millis(numberOf(to)),
    down: millis(numberOf(down)),
    unknown: millis(numberOf(unknown)),
    failures: numberOf(failures),
    goesOn: goesOn === 1,
  }
  if (period.to <= period.from) throw new Error(NOT_OURS)
  return period
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(NOT_OURS)
  return value
}

/** None of them is below 0. */
function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new Error(NOT_OURS)
  return value
}
