import type { Millis } from '../time.ts'

/** A command, and what it ended with. */
export interface Ran {
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What a place does, and takes back in any case: also when the connection to it is lost, or nobody has been heard for too long. */
export interface Undoable {
  /** For people. */
  readonly text: string
  /** Without a shell. */
  readonly act: readonly string[]
  readonly undo: readonly string[]
}

/** What was taken back; `failure`: why it could not be. */
export interface Undone {
  readonly text: string
  readonly failure: string | undefined
}

/** How a command is started that goes on. */
export interface StartOptions {
  /** A file at the place that its output is appended to. Without: the output is not kept. */
  readonly log?: string
  /** Besides the agent's own. */
  readonly env?: Readonly<Record<string, string>>
  /** It goes on when the place is closed, or lost. */
  readonly staysAlive?: boolean
  /** Gets each line of its output, with the time here; not together with `log`. */
  readonly onLine?: (line: string, at: Millis) => void
}

/** A program that works at a place until it is ended, and tells things as they happen. */
export interface Working {
  /** Asks it something, and gives its next answer. Rejects when it has ended. */
  ask(question: unknown): Promise<unknown>
  end(): Promise<void>
}

/**
 * A machine, as a drill reaches it: a network namespace of the lab, or a host behind ssh. Behind it is `agent.ts`, over its standard
 * input and output.
 */
export interface Place {
  readonly name: string
  /** Runs a command to its end that only looks, at most `limit`; rejects only when the place is lost. */
  run(argv: readonly string[], limit?: Millis): Promise<Ran>
  /** As `run`, for a command that changes something, whose undo the place keeps already. */
  change(argv: readonly string[], limit?: Millis): Promise<Ran>
  /** Starts a command that goes on, without waiting for it. Gives its process id there. It ends with the place when `staysAlive` is not set. Rejects when it cannot be started. */
  start(argv: readonly string[], options?: StartOptions): Promise<number>
  /**
   * Acts; the undo is kept at the place itself until `undo` is called, and carried out there when it is lost. Returns a handle. Also when
   * the command has failed: it may have done a part.
   */
  act(step: Undoable): Promise<{ readonly ran: Ran; readonly handle: number }>
  /** Forgets the handle if that succeeds; else it is tried again at the end. */
  undo(handle: number): Promise<Ran>
  /** Starts a program of `programs/` by its name; `onEvent` gets what it tells unasked, with the time here. */
  work(program: string, args: readonly string[], onEvent?: (event: unknown, at: Millis) => void): Promise<Working>
  /** Undoes what is left, the last first, and ends all programs. */
  close(): Promise<readonly Undone[]>
  /** A time of the clock at the place, as programs answer with, by the clock here: `process.hrtime`, in ms. */
  here(at: Millis): Millis
}
