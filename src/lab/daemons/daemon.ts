import type { Snapshot } from '../../control/snapshot.ts'
import type { Hand } from '../../model/hand.ts'
import type { ProcessWord } from '../../drill/language/words.ts'
import type { LogPipe } from './log-pipe.ts'

/** What takes back something that a step has done; resolves to what went wrong. */
export interface Undo {
  readonly text: string
  readonly run: () => Promise<string | undefined>
}

/** Where a log is read: a file at the place, or what a command there prints as it grows. */
export type LogSource = { readonly file: string } | { readonly command: readonly string[] }

/** Commands at the place of a daemon that take back what was done to it, so that they can be kept there. Each does nothing when there is nothing to do. */
export interface UndoCommands {
  readonly start: readonly string[]
  readonly reload: readonly string[]
  readonly takeBack: readonly string[]
  readonly endMaintenance: readonly string[]
  readonly enable: (server: string) => readonly string[]
  /** Gives an address back, with prefix length, while this director is master. */
  readonly putBack: (address: string, device: string) => readonly string[]
}

/** The daemon of a director, whichever program it is and wherever it runs. */
export interface Daemon {
  /** Resolves when it works. */
  start(): Promise<void>
  /** In order. Resolves when it has ended. */
  stop(): Promise<void>
  isRunning(): Promise<boolean>
  /** Of its processes that run, or did when it last answered. */
  pids(process: ProcessWord): Promise<readonly number[]>
  /** What it says of the file; none when it is in force. Undefined: it cannot say. */
  reload(): Promise<readonly string[] | undefined>
  /** Gives its roles away on purpose, as an operator of this program does. */
  handOver(): Promise<void>
  takeBack(): Promise<void>
  /** Becomes the version that is installed by now, in place. Resolves when that works. */
  upgrade(): Promise<void>
  maintain(on: boolean): Promise<void>
  hand(server: string, hand: Hand | { readonly type: 'enable' }): Promise<void>
  /** Takes away what a dead daemon has left on its host. */
  release(): Promise<void>
  /** Undefined: it does not answer, or is none of ours. */
  status(): Promise<Snapshot | undefined>
  /** What its log goes through; undefined: nothing that could be stopped. */
  readonly logPipe?: LogPipe | undefined
  readonly log: LogSource
  /** Undefined: this process itself has to be there to take something back. */
  readonly undoCommands?: UndoCommands
}

/** How a daemon of the lab is run. */
export interface LabDaemonOptions {
  /** Another tanistd than that of this installation. */
  readonly program: string | undefined
  /** Its log goes through a pipe, whose reader can be stopped. */
  readonly hasLogPipe: boolean
}

/** A daemon of this kind cannot do that. */
export class NotPossible extends Error {}
