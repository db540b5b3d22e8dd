import type { SeenAdvert } from '../../support/capture.ts'
import type { Happened, Recording } from './compare.ts'
import type { Channel } from './sequence.ts'
import { INTERVAL_MS } from './configuration.ts'

/** Beyond so many intervals without an advert, the next one is told as the first of a new row. A busy machine lets one or two wait. */
const SILENCE = 5
/** Scripts that were started within this time were started by one event. */
const BURST_MS = 150
/** Process ids go round there, unless the kernel was told otherwise. */
const PID_MAX = 32_768

/** What one step was, and when it began, in ms since the epoch. */
export interface Mark {
  readonly at: number
  readonly step: string
}

/** A line of the script `tell`: `SECONDS PID [ARGUMENT] …`. */
interface Told {
  readonly at: number
  readonly pid: number
  readonly text: string
}

/**
 * The calls of the notify scripts, in the order in which they were started. keepalived starts those of one event side by side, and they
 * write when they get a processor: their process ids say which was first.
 */
export function toldBy(log: string): readonly Happened[] {
  const told: Told[] = [...log.matchAll(/^(\d+\.\d+) (\d+) (.*)$/gm)].map(([, at, pid, text]) => ({
    at: Number(at) * 1000,
    pid: Number(pid),
    text: text ?? '',
  }))
  const bursts: Told[][] = []
  for (const each of told.toSorted((a, b) => a.at - b.at)) {
    const last = bursts.at(-1)
    const before = last?.at(-1)
    if (last !== undefined && before !== undefined && each.at - before.at < BURST_MS) last.push(each)
    else bursts.push([each])
  }
  return bursts.flatMap((burst) => burst.toSorted(byStart))
}

/** The lines of the reader of the pipe: `SECONDS LINE`. */
export const readFrom = (log: string): readonly Happened[] =>
  [...log.matchAll(/^(\d+\.\d+) (.*)$/gm)].map(([, at, text]) => ({ at: Number(at) * 1000, text: text ?? '' }))

/** Of an instance: its name, or the last digit of its VRID or address. */
const OF_INSTANCE = /\bVI_(\d)|\bvrid 5(\d)|\b10\.0\.0\.10(\d)/
/** Of the group, in the channel of scripts. */
const OF_GROUP = /\[G\]/
/** Behind all instances. */
const GROUP_NUMBER = 10

/**
 * Instances whose timers end at about the same time: which of them is first is chance, with keepalived as well. Here the first one is;
 * what stands between them (their group) keeps its place. Scripts of the group run beside those of its members, and are sorted behind
 * them.
 */
export function inOrderOfInstances(list: readonly Happened[]): readonly Happened[] {
  const runs: { readonly number: number | undefined; readonly each: Happened }[][] = []
  for (const each of list) {
    const [, ...digits] = OF_INSTANCE.exec(each.text) ?? []
    const found = digits.find((digit) => digit !== undefined)
    const number = OF_GROUP.test(each.text) ? GROUP_NUMBER : found === undefined ? undefined : Number(found)
    const run = runs.at(-1)
    const before = run?.at(-1)
    const goesOn = before?.number !== undefined && number !== undefined && each.at - before.each.at < BURST_MS
    if (run !== undefined && goesOn) run.push({ number, each })
    else runs.push([{ number, each }])
  }
  return runs.flatMap((run) => run.toSorted((a, b) => (a.number ?? 0) - (b.number ?? 0)).map(({ each }) => each))
}

function byStart({ pid: a }: Told, { pid: b }: Told): number {
  const apart = a - b
  return Math.abs(apart) > PID_MAX / 2 ? -apart : apart
}

/** Of one source: the priorities that it sent, where they change and where it begins again, by VRID. */
export function advertisedBy(adverts: readonly SeenAdvert[], source: string): readonly Happened[] {
  const last = new Map<number, SeenAdvert>()
  return adverts
    .filter((advert) => advert.source === source)
    .flatMap((advert) => {
      const { at, vrid, priority } = advert
      const before = last.get(vrid)
      last.set(vrid, advert)
      const goesOn = before?.priority === priority && at - before.at < SILENCE * INTERVAL_MS
      return goesOn ? [] : [{ at, text: `vrid ${vrid} priority ${priority}` }]
    })
}

/**
 * What was seen, by steps. The start is counted from the first thing that is seen, since one daemon takes longer than another to load;
 * every other step from its event.
 */
export function recordingOf(marks: readonly Mark[], seen: Readonly<Record<Channel, readonly Happened[]>>): Recording {
  return marks.map(({ at, step }, i) => {
    const until = marks[i + 1]?.at ?? Number.POSITIVE_INFINITY
    const of = (list: readonly Happened[]) => list.filter((each) => each.at >= at && each.at < until)
    const first = Object.values(seen).flatMap((list) => of(list).map((each) => each.at))
    const origin = i === 0 ? Math.min(...first) : at
    const during = (list: readonly Happened[]) =>
      inOrderOfInstances(of(list)).map((each) => ({ text: each.text, at: each.at - origin }))
    const { scripts, pipe, addresses, adverts, exit } = seen
    return {
      step,
      channels: {
        scripts: during(scripts),
        pipe: during(pipe),
        addresses: during(addresses),
        adverts: during(adverts),
        exit: during(exit),
      },
    }
  })
}
