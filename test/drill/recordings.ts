import type { Drill, Step } from '../../src/drill/drill.ts'
import type { PastClaim, Seen } from '../../src/drill/figures/seen.ts'
import { isPast, judgePast } from '../../src/drill/figures.ts'
import { interval } from '../../src/drill/intervals.ts'
import type { Unjudged } from '../../src/drill/invariants.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import type { DirectorName, DirectorSample, ProbeRecord, RecordedEvent } from '../../src/drill/recording.ts'
import { millis } from '../../src/time.ts'

/** A drill with these steps and claims, a line each, and all traffic that a figure can be of. */
export function drillOf(steps: readonly string[], claims: readonly string[] = []): Drill {
  const list = (name: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `${name}:\n${lines.map((line) => `  - ${line}\n`).join('')}`
  const unread = steps.length === 0 ? 'cannot run: it has no steps\n' : ''
  const traffic = 'traffic: [ probe: auto, requests: 20 ms, connections: 50 ]\n'
  const text = `drill: x\nwhy: y\n${unread}${traffic}${list('steps', steps)}${list('claims', claims)}`
  const { drill, diagnostics } = readDrill({ name: 'x.yaml', text })
  if (drill === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return drill
}

export const stepsOf = (...steps: readonly string[]): readonly Step[] => drillOf(steps).steps

export function claimOf(text: string): PastClaim {
  const claim = drillOf([], [text]).claims[0]?.claim
  if (claim === undefined || !isPast(claim)) throw new Error(`no figure: ${text}`)
  return claim
}

const VIP = '10.0.0.100'

/** An address that comes to a director, or leaves it. */
export const address = (at: number, director: DirectorName, holds: boolean, name = VIP): RecordedEvent => ({
  at: millis(at),
  type: 'address',
  director,
  address: name,
  holds,
})

/** At the begin director1 has the address. */
export const AT_FIRST = [address(0, 'director1', true), address(0, 'director2', false)]

export const log = (at: number, director: DirectorName, line: string): RecordedEvent => ({
  at: millis(at),
  type: 'log',
  director,
  line,
})

export const call = (at: number, director: DirectorName, command: string, ...args: string[]): RecordedEvent => ({
  at: millis(at),
  type: 'called',
  director,
  command,
  arguments: args,
})

type Spot = readonly [at: number, ms: number]

/** Of 10 s, a probe each millisecond. Gaps lose what they are long. */
export const probe = (
  gaps: readonly Spot[] = [],
  late: readonly Spot[] = [],
  change: Partial<ProbeRecord> = {},
): ProbeRecord => ({
  type: 'probe',
  by: 'udp',
  target: `${VIP}:53`,
  periodMs: 1,
  sent: 10_000,
  from: millis(0),
  to: millis(10_000),
  gaps: gaps.map(([at, ms]) => ({ at: millis(at), ms, lost: ms })),
  isCut: false,
  late: late.map(([at, ms]) => ({ at: millis(at), ms })),
  ...change,
})

const MIB = 1 << 20

export const sample = (
  director: DirectorName,
  mebibytes: number,
  change: Partial<DirectorSample> = {},
): DirectorSample => ({
  director,
  processes: [{ role: 'vrrp', pid: 1, residentBytes: mebibytes * MIB, descriptors: 20 }],
  fileDigest: 'abc',
  table: ['[10.0.0.100]:udp:53', '[10.0.0.100]:udp:53 192.168.1.11:53 weight 1'],
  forwarded: 0,
  ...change,
})

/** Of 10 s in which nothing has happened to a pair with a probe. */
export const recording = (change: Partial<Unjudged> = {}): Unjudged => ({
  drill: drillOf([]),
  seed: 1,
  directors: { director1: 'tanist', director2: 'tanist' },
  active: 'director1',
  virtualAddresses: [VIP],
  promises: { takeover: millis(3800), handover: millis(100), detection: millis(2000) },
  startedAt: 0,
  duration: millis(10_000),
  ending: 'finished',
  events: AT_FIRST,
  traffic: [probe()],
  before: [sample('director1', 60), sample('director2', 60)],
  afterwards: [sample('director1', 60, { forwarded: 10_000 }), sample('director2', 60)],
  answering: [{ address: VIP, macs: ['02:00:00:00:00:01'] }],
  ...change,
})

/** What a claim comes to, of the time from 1 s to 9 s of such a recording. */
export const judged = (text: string, change: Partial<Unjudged> = {}, part = interval(1000, 9000)) => {
  const seen: Seen = { ...recording(change), servers: ['server 1', 'server 2', 'server 3'] }
  return judgePast(claimOf(text), text, seen, part)
}
