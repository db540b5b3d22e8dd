/**
 * What a connection and the agent at a place say to each other: JSON, a message a line. A request has a number, and one answer with the
 * same number; what a command or a program tells unasked has the number of the request that has started it.
 */
import type { Millis } from '../time.ts'
import type { Ran, Undoable, Undone } from './place.ts'

export type Request = { readonly id: number } & RequestBody

export type RequestBody =
  /** Says that somebody is there. `deadMan`: after so long without a word the agent undoes all, and ends. */
  | { readonly type: 'ping'; readonly deadMan: Millis }
  | { readonly type: 'run'; readonly argv: readonly string[]; readonly limit: Millis }
  | {
      readonly type: 'start'
      readonly argv: readonly string[]
      readonly log: string | undefined
      readonly env: Readonly<Record<string, string>>
      readonly staysAlive: boolean
      readonly tellsLines: boolean
    }
  | { readonly type: 'act'; readonly step: Undoable }
  | { readonly type: 'undo'; readonly handle: number }
  | { readonly type: 'work'; readonly program: string; readonly args: readonly string[] }
  | { readonly type: 'ask'; readonly worker: number; readonly question: unknown }
  | { readonly type: 'end'; readonly worker: number }
  | { readonly type: 'close' }

/** `now`: by the agent's monotonic clock, when it was written. */
export type Message = { readonly now: Millis } & MessageBody

export type MessageBody = Answer | Told

/** `refused`: it could not be done, and why. */
export type Answer = { readonly id: number } & AnswerBody

export type AnswerBody =
  | { readonly type: 'pong' }
  /** Of `run` and `undo`. */
  | { readonly type: 'ran'; readonly ran: Ran }
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'acted'; readonly ran: Ran; readonly handle: number }
  | { readonly type: 'works' }
  | { readonly type: 'answered'; readonly answer: unknown }
  | { readonly type: 'ended' }
  | { readonly type: 'closed'; readonly undone: readonly Undone[] }
  | { readonly type: 'refused'; readonly reason: string }

/** Unasked. `of`: the number of the request that has started it; `at` by the agent's clock. */
export type Told =
  | { readonly type: 'line'; readonly of: number; readonly at: Millis; readonly line: string }
  | { readonly type: 'event'; readonly of: number; readonly at: Millis; readonly event: unknown }
  /** So many lines and events were not told, since nobody read. */
  | { readonly type: 'skipped'; readonly count: number }

/** What an agent that forks a program says to it, and hears, as messages of Node. */
export type ToProgram = { readonly id: number; readonly question: unknown }

export type FromProgram =
  /** Once, when it works. */
  | { readonly type: 'ready' }
  | { readonly type: 'event'; readonly event: unknown; readonly at: Millis }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }

/** BOUNDED: bytes of a line; longer ones are refused. A record of 200 000 requests has a quarter of it. */
export const LONGEST_LINE = 1 << 26
