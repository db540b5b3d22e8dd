import type { Millis } from '../time.ts'
import type { Drill } from './drill.ts'

/** By the order of their files. */
export const DIRECTORS = ['director1', 'director2'] as const
export type DirectorName = (typeof DIRECTORS)[number]

export const otherDirector = (name: DirectorName): DirectorName => (name === 'director1' ? 'director2' : 'director1')

/** The program that a director runs. */
export type DirectorKind = 'tanist' | 'keepalived'

/** Something that happened in a drill. Times are in ms since it began. */
export type RecordedEvent = { readonly at: Millis } & (
  | { readonly type: 'begun'; readonly step: number; readonly text: string }
  | { readonly type: 'done'; readonly step: number }
  /** A step could not be done, or what it waits for did not come. The drill ends there. */
  | { readonly type: 'failed'; readonly step: number; readonly reason: string }
  | { readonly type: 'undone'; readonly text: string; readonly failure: string | undefined }
  | { readonly type: 'judged'; readonly judgement: Judgement }
  | { readonly type: 'said'; readonly text: string }
  /** A new part, by `measure`. */
  | { readonly type: 'part'; readonly name: string }
  /** The kernel of a director got or lost a virtual address. */
  | { readonly type: 'address'; readonly director: DirectorName; readonly address: string; readonly holds: boolean }
  | { readonly type: 'log'; readonly director: DirectorName; readonly line: string }
  /** A command of the configuration was run: `command` as the file has it. */
  | {
      readonly type: 'called'
      readonly director: DirectorName
      readonly command: string
      readonly arguments: readonly string[]
    }
)

/** Why a drill came to its end before its last step. */
export type Ending = 'finished' | 'failed' | 'interrupted' | 'time limit' | 'lost connection'

/** What became of one claim, or of one of the invariants that are looked at after every drill. */
export interface Judgement {
  /** As it was written, or the invariant's own sentence. */
  readonly text: string
  /** `claim`, or the invariant: `I1`. */
  readonly of: string
  /** Undefined: it could not be judged, `found` says why. That is no failure of an invariant, and one of a claim. */
  readonly holds: boolean | undefined
  /** What was found, in words: `longest gap 3205 ms of at most 3823 ms`. */
  readonly found: string
}

/** What a probe that sends each `periodMs` has seen. Losses are runs of numbers that were not answered, in order. */
export interface ProbeRecord {
  readonly type: 'probe'
  /** `beside`: past the directors; what it loses is the machine's own noise. */
  readonly by: 'udp' | 'tcp' | 'icmp' | 'beside'
  readonly target: string
  readonly periodMs: number
  readonly sent: number
  /** When the first and the last one were sent. */
  readonly from: Millis
  readonly to: Millis
  /** BOUNDED: 100 000; `isCut` says that there were more. `at`: the last answered one before; `ms`: from it to the next answered one, less the period. */
  readonly gaps: readonly { readonly at: Millis; readonly ms: number; readonly lost: number }[]
  readonly isCut: boolean
  /** When the sender itself was late, and by how much: gaps there mean nothing. Those of 5 ms and more. */
  readonly late: readonly { readonly at: Millis; readonly ms: number }[]
}

export interface RequestsRecord {
  readonly type: 'requests'
  readonly target: string
  /** Each, by when it was begun; `by`: the server's name, or undefined with `failure`. BOUNDED: 200 000. */
  readonly outcomes: readonly {
    readonly at: Millis
    readonly ms: number
    readonly by: string | undefined
    readonly failure: string | undefined
  }[]
}

export interface ConnectionsRecord {
  readonly type: 'connections'
  readonly target: string
  readonly count: number
  readonly answered: number
  /** BOUNDED: 100 000. Of `silent` `ms` is how long it waited for an answer, 1 s or more; said when the answer came, or at the end. */
  readonly events: readonly {
    readonly at: Millis
    readonly what: 'broken' | 'moved' | 'wrong' | 'silent'
    readonly ms: number
  }[]
}

export type TrafficRecord = ProbeRecord | RequestsRecord | ConnectionsRecord

/** How a director was at a moment. */
export interface DirectorSample {
  readonly director: DirectorName
  /** Undefined: the daemon did not run. */
  readonly processes:
    | readonly {
        readonly role: string
        readonly pid: number
        readonly residentBytes: number
        readonly descriptors: number
      }[]
    | undefined
  readonly fileDigest: string | undefined
  /** Virtual and real servers with their weights, sorted: what both directors must have alike. */
  readonly table: readonly string[] | undefined
  /** Packets that its core has forwarded. */
  readonly forwarded: number | undefined
}

/** All that was seen of one run of a drill. */
export interface Recording {
  readonly drill: Pick<Drill, 'file' | 'number' | 'name' | 'why' | 'promise'>
  readonly seed: number
  readonly directors: Readonly<Record<DirectorName, DirectorKind>>
  /** Which of them is `active` and which is `standby` in the drill. */
  readonly active: DirectorName
  readonly virtualAddresses: readonly string[]
  /** What the configuration promises, in ms. */
  readonly promises: Readonly<Record<'takeover' | 'handover' | 'detection', Millis>>
  /** When it began, in ms since the epoch, for people. */
  readonly startedAt: number
  readonly duration: Millis
  readonly ending: Ending
  readonly events: readonly RecordedEvent[]
  readonly traffic: readonly TrafficRecord[]
  readonly before: readonly DirectorSample[]
  readonly afterwards: readonly DirectorSample[]
  /** Who answered ARP for each virtual address at the end: MAC addresses. */
  readonly answering: readonly { readonly address: string; readonly macs: readonly string[] }[]
  readonly judgements: readonly Judgement[]
}

/** Whether all of it held. */
export const isGood = ({ ending, judgements }: Pick<Recording, 'ending' | 'judgements'>): boolean =>
  ending === 'finished' &&
  judgements.every(({ of, holds }) => holds === true || (of !== 'claim' && holds === undefined))
