import { millis, type Millis } from '../../time.ts'
import type { Drill } from '../drill.ts'
import { durationOf } from '../language/kinds.ts'
import { type Spread, spread } from '../quantiles.ts'
import { type ConnectionsRecord, isGood, type ProbeRecord, type Recording, type RequestsRecord } from '../recording.ts'
import { holdings, ownerTimes } from './ownership.ts'
import { programsOf } from './units.ts'

/** What a run comes to. Undefined: it had no such traffic, or nobody is known to have had an address. */
export interface RunFigures {
  /** The longest gap of a probe through the directors; 0 when none was lost. */
  readonly outageMs: number | undefined
  readonly sent: number
  readonly lost: number | undefined
  /** Of this machine itself: the longest gap beside, or how late a sender was. */
  readonly noiseMs: number
  readonly noiseLost: number
  readonly twoOwnersMs: number | undefined
  readonly noOwnerMs: number | undefined
  readonly requests: { readonly count: number; readonly failed: number } | undefined
  readonly connections:
    | {
        readonly count: number
        readonly broken: number
        readonly moved: number
        readonly wrong: number
        readonly longestSilenceMs: number
      }
    | undefined
}

/** Lists may have 100 000 values, more than arguments of a call. */
const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0)
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

export const probesOf = (
  { traffic }: Pick<Recording, 'traffic'>,
  place: 'through' | 'beside',
): readonly ProbeRecord[] =>
  traffic.filter((each) => each.type === 'probe').filter(({ by }) => (by === 'beside') === (place === 'beside'))

const lossOf = (probes: readonly ProbeRecord[]) => total(probes.flatMap(({ gaps }) => gaps.map(({ lost }) => lost)))
const longestGap = (probes: readonly ProbeRecord[]) => largest(probes.flatMap(({ gaps }) => gaps.map(({ ms }) => ms)))

function requestsOf(records: readonly RequestsRecord[]): RunFigures['requests'] {
  if (records.length === 0) return undefined
  const outcomes = records.flatMap((each) => each.outcomes)
  return { count: outcomes.length, failed: outcomes.filter(({ failure }) => failure !== undefined).length }
}

function connectionsOf(records: readonly ConnectionsRecord[]): RunFigures['connections'] {
  if (records.length === 0) return undefined
  const events = records.flatMap((each) => each.events)
  const those = (what: ConnectionsRecord['events'][number]['what']) => events.filter((each) => each.what === what)
  return {
    count: total(records.map(({ count }) => count)),
    broken: those('broken').length,
    moved: those('moved').length,
    wrong: those('wrong').length,
    longestSilenceMs: largest(those('silent').map(({ ms }) => ms)),
  }
}

export function figuresOf(recording: Recording): RunFigures {
  const { traffic, duration } = recording
  const through = probesOf(recording, 'through')
  const beside = probesOf(recording, 'beside')
  const owners = ownerTimes(holdings(recording), duration)
  const late = [...through, ...beside].flatMap((probe) => probe.late.map(({ ms }) => ms))
  return {
    outageMs: through.length === 0 ? undefined : longestGap(through),
    sent: total(through.map(({ sent }) => sent)),
    lost: through.length === 0 ? undefined : lossOf(through),
    noiseMs: Math.max(longestGap(beside), largest(late)),
    noiseLost: lossOf(beside),
    twoOwnersMs: owners?.two,
    noOwnerMs: owners?.none,
    requests: requestsOf(traffic.filter((each) => each.type === 'requests')),
    connections: connectionsOf(traffic.filter((each) => each.type === 'connections')),
  }
}

/** `outage: takeover + 1 s`, and the same with its parameters named. */
const OUTAGE_CLAIM = /^\W*outage: *(?:\{(?:.*?[,{ ])? *at most: *)?([^{},]+?) *(?:[,}].*)?$/

/** What a run's claims allow an outage at most, without this machine's noise; the largest of several. Undefined: no claim says so. */
export function outageLimit({ judgements, promises }: Pick<Recording, 'judgements' | 'promises'>): Millis | undefined {
  const limits = judgements.flatMap(({ of, text }) => {
    const written = of === 'claim' ? OUTAGE_CLAIM.exec(text)?.[1] : undefined
    const parts = written
      ?.split(' + ')
      .map((part) =>
        part === 'takeover' || part === 'handover' || part === 'detection' ? promises[part] : durationOf(part),
      )
    return parts === undefined || parts.includes(undefined) ? [] : [total(parts.map((part) => part ?? 0))]
  })
  return limits.length === 0 ? undefined : millis(largest(limits))
}

/** All runs of a drill with the same programs. */
export interface ProgramRuns {
  readonly programs: string
  readonly runs: readonly Recording[]
}

export interface DrillRuns {
  readonly drill: Pick<Drill, 'file' | 'number' | 'name' | 'why' | 'promise'>
  /** In the order in which they were run first. */
  readonly byPrograms: readonly ProgramRuns[]
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): readonly (readonly [string, readonly T[]])[] {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return [...groups]
}

/** By their files, in the order in which they were run first. */
export const byDrill = (recordings: readonly Recording[]): readonly DrillRuns[] =>
  grouped(recordings, ({ drill }) => drill.file).flatMap(([, runs]) => {
    const [first] = runs
    if (first === undefined) return []
    const byPrograms = grouped(runs, ({ directors }) => programsOf(directors)).map(([programs, runs]) => ({
      programs,
      runs,
    }))
    return [{ drill: first.drill, byPrograms }]
  })

/** What several runs come to. */
export interface Summary {
  readonly runs: number
  readonly held: number
  /** Of the longest outage of each run, in ms. */
  readonly outageMs: Spread | undefined
  /** Of the worst run. */
  readonly lost: number | undefined
  readonly twoOwnersMs: number | undefined
  readonly noOwnerMs: number | undefined
}

const known = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined)
const worst = (values: readonly (number | undefined)[]) =>
  known(values).length === 0 ? undefined : largest(known(values))

export function summaryOf(runs: readonly Recording[]): Summary {
  const figures = runs.map(figuresOf)
  const outages = known(figures.map(({ outageMs }) => outageMs))
  return {
    runs: runs.length,
    held: runs.filter(isGood).length,
    outageMs: outages.length === 0 ? undefined : spread(outages),
    lost: worst(figures.map(({ lost }) => lost)),
    twoOwnersMs: worst(figures.map(({ twoOwnersMs }) => twoOwnersMs)),
    noOwnerMs: worst(figures.map(({ noOwnerMs }) => noOwnerMs)),
  }
}
