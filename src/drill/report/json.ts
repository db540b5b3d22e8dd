import { isGood, type RecordedEvent, type Recording, type TrafficRecord } from '../recording.ts'
import { figuresOf, outageLimit } from './figures.ts'
import { dateAndTime } from './units.ts'

/** Counts up when a name changes its meaning or goes away; new names may come without. */
const VERSION = 1
/** The longest gaps of a probe, and the first failures, that are written. */
const MOST_LISTED = 1000

/** By what `JSON.stringify` leaves as it is and a terminal or an editor would obey. */
const COMMANDS = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200e\u200f]/g
const asEscape = (character: string) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`

function eventOf({ at, ...event }: RecordedEvent): object {
  if (event.type !== 'judged') return { atMs: at, ...event }
  return { atMs: at, type: event.type, ...judgementOf(event.judgement) }
}

/** `holds` is null where it could not be judged. */
const judgementOf = ({ of, text, holds, found }: Recording['judgements'][number]) => ({
  of,
  text,
  holds: holds ?? null,
  found,
})

function trafficOf(record: TrafficRecord): object {
  switch (record.type) {
    case 'probe': {
      const { gaps, isCut, late } = record
      const longest = gaps.toSorted((a, b) => b.ms - a.ms).slice(0, MOST_LISTED)
      return {
        type: record.type,
        by: record.by,
        target: record.target,
        periodMs: record.periodMs,
        sent: record.sent,
        fromMs: record.from,
        toMs: record.to,
        gaps: longest.toSorted((a, b) => a.at - b.at).map(({ at, ms, lost }) => ({ atMs: at, ms, lost })),
        areAllGaps: !isCut && longest.length === gaps.length,
        senderLate: late.slice(0, MOST_LISTED).map(({ at, ms }) => ({ atMs: at, ms })),
      }
    }
    case 'requests': {
      const answered: Record<string, number> = {}
      for (const { by } of record.outcomes) if (by !== undefined) answered[by] = (answered[by] ?? 0) + 1
      const failures = record.outcomes.filter(({ failure }) => failure !== undefined)
      return {
        type: record.type,
        target: record.target,
        count: record.outcomes.length,
        failed: failures.length,
        answeredBy: Object.fromEntries(Object.entries(answered).toSorted(([a], [b]) => (a < b ? -1 : 1))),
        firstFailures: failures.slice(0, MOST_LISTED).map(({ at, ms, failure }) => ({ atMs: at, ms, failure })),
      }
    }
    case 'connections':
      return {
        type: record.type,
        target: record.target,
        count: record.count,
        answered: record.answered,
        firstEvents: record.events.slice(0, MOST_LISTED).map(({ at, what, ms }) => ({ atMs: at, what, ms })),
      }
  }
}

/** One run as one line of JSON, without a newline at its end. */
export function jsonLine(recording: Recording): string {
  const { drill, judgements } = recording
  const line = {
    schema: 'tanist-drill-run',
    version: VERSION,
    file: drill.file,
    number: drill.number ?? null,
    name: drill.name,
    held: isGood(recording),
    ending: recording.ending,
    startedAt: `${dateAndTime(recording.startedAt).replace(' ', 'T')}Z`,
    startedAtEpochMs: recording.startedAt,
    durationMs: recording.duration,
    seed: recording.seed,
    directors: recording.directors,
    active: recording.active,
    virtualAddresses: recording.virtualAddresses,
    promisedMs: recording.promises,
    outageLimitMs: outageLimit(recording) ?? null,
    figures: figuresOf(recording),
    claims: judgements.filter(({ of }) => of === 'claim').map(judgementOf),
    invariants: judgements.filter(({ of }) => of !== 'claim').map(judgementOf),
    traffic: recording.traffic.map(trafficOf),
    events: recording.events.map(eventOf),
  }
  return JSON.stringify(line, (_, value: unknown) => value ?? null).replaceAll(COMMANDS, asEscape)
}
