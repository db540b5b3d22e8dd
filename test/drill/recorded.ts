import { millis, type Millis } from '../../src/time.ts'
import type {
  ConnectionsRecord,
  DirectorKind,
  DirectorName,
  Judgement,
  ProbeRecord,
  RecordedEvent,
  Recording,
  RequestsRecord,
} from '../../src/drill/recording.ts'

const VIP = '172.18.100.6'
/** 2026-11-29 08:19:15 UTC */
const STARTED_AT = 1_795_940_355_000

type EventBody<E = RecordedEvent> = E extends RecordedEvent ? Omit<E, 'at'> : never

export const event = (at: number, body: EventBody): RecordedEvent => ({ at: millis(at), ...body })

export const address = (at: number, director: DirectorName, holds: boolean, name = VIP): RecordedEvent =>
  event(at, { type: 'address', director, address: name, holds })

export const claim = (text: string, holds: boolean | undefined, found: string): Judgement => ({
  text,
  of: 'claim',
  holds,
  found,
})

/** One that sent each ms for the whole drill. */
export function probe(
  gaps: readonly (readonly [at: number, ms: number])[],
  more: Partial<ProbeRecord> = {},
): ProbeRecord {
  return {
    type: 'probe',
    by: 'udp',
    target: VIP,
    periodMs: 1,
    sent: 12_000,
    from: millis(0),
    to: millis(12_000),
    gaps: gaps.map(([at, ms]) => ({ at: millis(at), ms, lost: Math.round(ms) })),
    isCut: false,
    late: [],
    ...more,
  }
}

export function requests(failedFrom: number, failedTo: number): RequestsRecord {
  const outcomes = Array.from({ length: 600 }, (_, i) => {
    const at = millis(i * 20)
    const hasFailed = at >= failedFrom && at < failedTo
    return {
      at,
      ms: hasFailed ? 1000 : 2,
      by: hasFailed ? undefined : `rs${11 + (i % 3)}`,
      failure: hasFailed ? 'no answer within 1000 ms' : undefined,
    }
  })
  return { type: 'requests', target: `${VIP}:80`, outcomes }
}

export const connections = (events: ConnectionsRecord['events']): ConnectionsRecord => ({
  type: 'connections',
  target: `${VIP}:80`,
  count: 50,
  answered: 1150,
  events,
})

const INVARIANTS: readonly Judgement[] = [
  { text: 'no virtual address has two owners at the end', of: 'I1', holds: true, found: 'director2 alone' },
  { text: 'what the drill did is undone', of: 'I2', holds: true, found: 'all 1 of it' },
  { text: 'no process has more memory than before', of: 'I3', holds: undefined, found: 'director1 did not run before' },
]

/** A take-over after both cables of the master are pulled: a gap of `outageMs` from 2.0 s on, and all held. */
export function takeover(outageMs = 3205, change: Partial<Recording> = {}): Recording {
  const moment = 2000 + outageMs
  const outage = claim('outage: takeover', true, `longest gap ${outageMs} ms of at most 3823 ms`)
  const owner = claim('master: standby', true, 'director2 has all of 1')
  return {
    drill: {
      file: 'drills/07-cable.yaml',
      number: 7,
      name: 'The cable of the master is pulled',
      why: 'A switch port dies, or somebody pulls the wrong cable. The standby hears no more adverts and has to take over, and nobody may notice more than the time that the configuration promises.',
      promise: 'an outage of at most three adverts and the skew time of the standby',
    },
    seed: 1,
    directors: { director1: 'tanist', director2: 'tanist' },
    active: 'director1',
    virtualAddresses: [VIP],
    promises: { takeover: millis(3823), handover: millis(100), detection: millis(6000) },
    startedAt: STARTED_AT,
    duration: millis(12_000),
    ending: 'finished',
    events: [
      address(0, 'director1', true),
      event(2000, { type: 'begun', step: 0, text: 'pull cable: active' }),
      event(2004, { type: 'done', step: 0 }),
      event(2004, { type: 'begun', step: 1, text: 'wait: { master: standby, within: takeover }' }),
      address(moment - 3, 'director2', true),
      event(moment, { type: 'log', director: 'director2', line: 'web becomes master: no adverts from a master' }),
      event(moment + 10, { type: 'called', director: 'director2', command: 'notify.sh', arguments: ['web', 'MASTER'] }),
      event(moment + 20, { type: 'done', step: 1 }),
      event(moment + 20, { type: 'begun', step: 2, text: 'claim: { master: standby }' }),
      event(moment + 30, { type: 'judged', judgement: owner }),
      event(moment + 30, { type: 'done', step: 2 }),
      event(10_000, { type: 'undone', text: 'plug cable: director1', failure: undefined }),
      address(10_002, 'director1', false),
      event(12_000, { type: 'judged', judgement: outage }),
      ...INVARIANTS.map((judgement) => event(12_000, { type: 'judged', judgement })),
    ],
    traffic: [
      probe([[2001, outageMs]]),
      requests(2000, moment),
      probe([[8000, 3]], { by: 'beside', target: '172.18.0.20', late: [{ at: millis(8003), ms: 6 }] }),
    ],
    before: [],
    afterwards: [],
    answering: [{ address: VIP, macs: ['00:00:5e:00:01:33'] }],
    judgements: [owner, outage, ...INVARIANTS],
    ...change,
  }
}

/** The same with an outage that is too long, and a request too many that failed. */
export function tooLong(change: Partial<Recording> = {}): Recording {
  const broken = claim('outage: takeover', false, 'longest gap 5120 ms of at most 3823 ms')
  const base = takeover(5120)
  return {
    ...base,
    events: base.events.map((each) =>
      each.type === 'judged' && each.judgement.text === broken.text ? { ...each, judgement: broken } : each,
    ),
    judgements: base.judgements.map((each) => (each.text === broken.text ? broken : each)),
    ...change,
  }
}

/** A step whose awaited condition did not come; its claims could not be judged. */
export function failedStep(change: Partial<Recording> = {}): Recording {
  const open = claim('lost: none', undefined, 'the drill ended before')
  return takeover(0, {
    drill: {
      file: 'drills/own.yaml',
      number: undefined,
      name: 'A reload by hand',
      why: 'It is done daily.',
      promise: undefined,
    },
    duration: millis(31_500),
    ending: 'failed',
    events: [
      address(0, 'director1', true),
      event(1000, { type: 'begun', step: 0, text: 'reload: both' }),
      event(1200, { type: 'done', step: 0 }),
      event(1200, { type: 'begun', step: 1, text: 'wait: { master: standby }' }),
      event(31_200, { type: 'failed', step: 1, reason: 'master: standby did not come within 30 s' }),
      event(31_400, { type: 'judged', judgement: open }),
    ],
    traffic: [probe([], { sent: 31_000, to: millis(31_000) })],
    judgements: [open],
    ...change,
  })
}

/** From 0 to 1, the same each time. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** `count` runs with each program. */
export function repeated(count: number): readonly Recording[] {
  const next = chance(7)
  return (['tanist', 'keepalived'] as const).flatMap((kind: DirectorKind) =>
    Array.from({ length: count }, (_, i) => {
      const outageMs = Math.round(2700 + 900 * next() + (kind === 'keepalived' ? 260 * next() : 0))
      return takeover(outageMs, { seed: i + 1, directors: { director1: kind, director2: kind } })
    }),
  )
}

/** Thirty steps within a third of a second, many gaps, many addresses: what labels could collide of. */
export function crowded(): Recording {
  const addresses = Array.from({ length: 40 }, (_, i) => `10.1.${i}.1`)
  const early = Array.from({ length: 30 }, (_, i) =>
    event(4000 + i * 11, { type: 'begun', step: i, text: `take server down: server ${i + 1}` }),
  )
  const flaps = Array.from({ length: 12 }, (_, i) => [
    address(5000 + i * 400, i % 2 === 0 ? 'director1' : 'director2', false, '10.9.9.9'),
    address(5000 + i * 400 + 40, i % 2 === 0 ? 'director2' : 'director1', true, '10.9.9.9'),
  ]).flat()
  return takeover(3205, {
    drill: {
      file: 'drills/31-flood.yaml',
      number: 31,
      name: 'Thirty servers fail within a third of a second while the addresses of both directors flap',
      why: 'A rack loses its power.\n\nAll of its servers go at once, and the checks find each by itself.',
      promise: undefined,
    },
    virtualAddresses: [...addresses, '10.9.9.9', '2001:db8:0:f101::aaaa:1'],
    events: [
      ...addresses.map((name) => address(0, 'director1', true, name)),
      address(0, 'director1', true, '10.9.9.9'),
      ...early,
      ...addresses.map((name, i) => address(4600 + i * 0.2, 'director1', false, name)),
      ...addresses.map((name, i) => address(4610 + i * 0.2, 'director2', true, name)),
      ...flaps,
      event(9000, { type: 'part', name: 'and back again' }),
      event(10_900, { type: 'begun', step: 31, text: 'bring servers up' }),
      event(11_990, { type: 'begun', step: 32, text: 'claim: { server: { server: all, is: up } }' }),
    ].toSorted((a, b) => a.at - b.at),
    traffic: [
      probe([...Array.from({ length: 25 }, (_, i) => [4000 + i * 120, 12 + i] as const), [9000, 800]]),
      probe([], { by: 'icmp', target: '10.9.9.9' }),
      requests(4000, 7000),
      connections([
        { at: millis(4400), what: 'broken', ms: 0 },
        { at: millis(5200), what: 'moved', ms: 0 },
        { at: millis(6000), what: 'silent', ms: 1400 },
      ]),
      probe([[4100, 40]], { by: 'beside', target: '172.18.0.20' }),
    ],
  })
}

/** What comes from outside and means harm. */
export const HOSTILE =
  '<script>alert(1)</script> "quoted" \'so\' & ]]> <!-- \u0000\u0007\u001b[31m\u009b0m\r\nnext \u202eright \ud800 \uffff {{x}} `code` | **b**'

/** It stands in every text of the recording. */
export function hostile(): Recording {
  const base = takeover()
  const judgements: readonly Judgement[] = [
    claim(HOSTILE, false, HOSTILE),
    { text: HOSTILE, of: HOSTILE, holds: false, found: HOSTILE },
    { text: HOSTILE, of: 'I9', holds: undefined, found: HOSTILE },
  ]
  return {
    ...base,
    drill: { file: HOSTILE, number: undefined, name: HOSTILE, why: HOSTILE, promise: HOSTILE },
    virtualAddresses: [HOSTILE],
    ending: 'failed',
    events: [
      address(0, 'director1', true, HOSTILE),
      event(100, { type: 'begun', step: 0, text: HOSTILE }),
      event(200, { type: 'said', text: HOSTILE }),
      event(300, { type: 'part', name: HOSTILE }),
      event(400, { type: 'log', director: 'director1', line: HOSTILE }),
      event(500, { type: 'called', director: 'director1', command: HOSTILE, arguments: [HOSTILE] }),
      event(600, { type: 'failed', step: 0, reason: HOSTILE }),
      event(700, { type: 'undone', text: HOSTILE, failure: HOSTILE }),
      ...judgements.map((judgement) => event(800, { type: 'judged', judgement })),
    ],
    traffic: [
      probe([[100, 50]], { target: HOSTILE }),
      { ...requests(100, 200), target: HOSTILE },
      { ...connections([{ at: 100 as Millis, what: 'broken', ms: 0 }]), target: HOSTILE },
      probe([], { by: 'beside', target: HOSTILE }),
    ],
    judgements,
  }
}
