import type { Millis } from '../time.ts'
import type { Command } from './command.ts'

/** What instances can hang on besides their own interface. */
export type TrackerKind = 'interface' | 'script' | 'file' | 'process' | 'bfd'

/** That an instance, or every member of a sync group, hangs on something. */
export interface Track {
  readonly kind: TrackerKind
  /** Of the interface, or of the tracker's block. */
  readonly name: string
  /**
   * Added to the priority while it is good if positive, taken from it while it is bad if negative; of a file: the factor of its
   * number. 0: the instance is in fault while it is bad, or the number is not 0.
   */
  readonly weight: number
  /** Good and bad change places, and a weight its sign. */
  readonly reverse: boolean
}

/** A command whose exit status says whether something is good. */
export interface ScriptTracker {
  readonly name: string
  readonly command: Command
  readonly interval: Millis
  readonly timeout: Millis
  /** Successes in a row before it counts as good, and failures before it counts as bad. The first result decides at once. */
  readonly rise: number
  readonly fall: number
  /** Bad until the first result, instead of unknown. */
  readonly initFail: boolean
}

/** A file that holds a number; without it, or without a number in it: 0. */
export interface FileTracker {
  readonly name: string
  readonly path: string
  /** The number that it is made with: if it is missing, or in any case. */
  readonly init: { readonly value: number; readonly overwrite: boolean } | undefined
}

/** Processes, counted by their name or command line. */
export interface ProcessTracker {
  readonly name: string
  /** The program and, if given, its parameters. */
  readonly command: readonly string[]
  /**
   * How parameters count: not at all; all of them; the first ones (`partial`); the first ones, and of the last of these its beginning
   * only (`initial`). The words are those of the configuration.
   */
  readonly parameters: 'ignored' | 'equal' | 'initial' | 'partial'
  /** Compare the program by the command line, not by the name of the process. */
  readonly fullCommand: boolean
  /** Good while there are at least so many, */
  readonly quorum: number
  /** and at most so many. */
  readonly quorumMax: number | undefined
  /** After how long the end of one counts, and a fork of one. */
  readonly terminateDelay: Millis
  readonly forkDelay: Millis
}

/** Everything that the script process watches for instances; each once, whoever tracks it. */
export interface Trackers {
  readonly scripts: readonly ScriptTracker[]
  readonly files: readonly FileTracker[]
  readonly processes: readonly ProcessTracker[]
}

/** What a tracker says. */
export type TrackerValue =
  | { readonly type: 'good' }
  | { readonly type: 'bad' }
  /** Of a file. */
  | { readonly type: 'number'; readonly value: number }

/** News of one tracker. One that has never been told of is not known yet. */
export interface TrackerResult {
  readonly kind: Exclude<TrackerKind, 'interface'>
  readonly name: string
  readonly value: TrackerValue
  /** For people: `exit status 1 after 12 ms: no haproxy`. */
  readonly detail: string
  /** In ms since the epoch. */
  readonly at: number
}

/** Tells trackers apart. */
export const trackerKey = ({ kind, name }: Pick<Track, 'kind' | 'name'>): string => `${kind} ${name}`

type Tracker = ScriptTracker | FileTracker | ProcessTracker

/** All of them, by `trackerKey`. */
export function trackersByKey({ scripts, files, processes }: Trackers): ReadonlyMap<string, Tracker> {
  const of = (kind: TrackerResult['kind'], trackers: readonly Tracker[]) =>
    trackers.map((each): [string, Tracker] => [trackerKey({ kind, name: each.name }), each])
  return new Map([...of('script', scripts), ...of('file', files), ...of('process', processes)])
}

/** A change of an interface counts only when it has lasted so long. */
export interface LinkDelay {
  readonly interface: string
  readonly down: Millis
  readonly up: Millis
}
