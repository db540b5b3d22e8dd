import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, rmSync, writeSync } from 'node:fs'
import { SystemError } from '../../linux/libc.ts'
import { makeNamedPipe, unreadBytes } from '../../linux/pipe.ts'
import { reasonOf } from '../../host/regular-file.ts'
import type { Identity } from './identities.ts'

/** Subjects whose newest line waits for a reader. For one more the oldest line is lost. */
export const MOST_SUBJECTS = 1000
/** How often a full pipe is tried again. */
const RETRY_MS = 100
/** As keepalived's umask leaves it: its owner may read. */
const MODE = 0o600

export interface PipeEvents {
  /** Nobody reads: from now on only the newest line of each subject is kept. Once, until it is written again. */
  full(path: string): void
  /** All that was kept is written; so many lines in between are lost. */
  caughtUp(path: string, lost: number): void
}

/**
 * A named pipe that lines are written to. It is open for reading as well, so that it is there without a reader, and what is in it outlives
 * one; writing never waits. What a full pipe does not take is kept, a line a subject, and written when there is room.
 */
export class PipeWriter {
  readonly #path: string
  readonly #fd: number
  readonly #isOurs: boolean
  readonly #events: PipeEvents
  /** By subject, in the order of their lines. BOUNDED by `MOST_SUBJECTS`. */
  readonly #kept = new Map<string, string>()
  /** The rest of a line, if the kernel took only a part of it. */
  #rest: Buffer | undefined
  #lost = 0
  #retry: NodeJS.Timeout | undefined

  /** Makes the pipe if there is none. Throws with what is in the way: something else of this name is left as it is. */
  constructor(path: string, owner: Identity | undefined, events: PipeEvents) {
    this.#path = path
    this.#events = events
    this.#isOurs = made(path)
    const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants
    this.#fd = opened(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
    if (owner !== undefined && this.#isOurs) fchownSync(this.#fd, owner.uid, owner.gid)
  }

  write(subject: string, line: string): void {
    if (this.#kept.size === 0 && this.#rest === undefined && this.#put(line)) return
    if (this.#retry === undefined) {
      this.#events.full(this.#path)
      this.#retry = setInterval(() => this.#catchUp(), RETRY_MS)
    }
    // At the end, where it happened.
    if (this.#kept.delete(subject)) this.#lost++
    this.#kept.set(subject, line)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MOST_SUBJECTS && oldest !== undefined) {
      this.#kept.delete(oldest)
      this.#lost++
    }
  }

  /** Whether everything that was written has been read. */
  get isRead(): boolean {
    return this.#kept.size === 0 && unreadBytes(this.#fd) === 0
  }

  /** `remove`: also its name, if it was made here. */
  close(remove: boolean): void {
    clearInterval(this.#retry)
    if (remove && this.#isOurs) rmSync(this.#path, { force: true })
    closeSync(this.#fd)
  }

  #catchUp(): void {
    if (this.#rest !== undefined && (!this.#putBytes(this.#rest) || this.#rest !== undefined)) return
    for (const [subject, line] of this.#kept) {
      if (!this.#put(line)) return
      this.#kept.delete(subject)
      if (this.#rest !== undefined) return
    }
    clearInterval(this.#retry)
    this.#retry = undefined
    this.#events.caughtUp(this.#path, this.#lost)
    this.#lost = 0
  }

  #put(line: string): boolean {
    return this.#putBytes(Buffer.from(`${line}\n`))
  }

  /** False when there is no room. Up to PIPE_BUF (4096) bytes are written as a whole or not at all; of more, the rest is remembered. */
  #putBytes(bytes: Buffer): boolean {
    let written = 0
    try {
      written = writeSync(this.#fd, bytes)
    } catch {
      return false // EAGAIN: it is full
    }
    this.#rest = written < bytes.length ? bytes.subarray(written) : undefined
    return true
  }
}

/** Whether it was made here, and was not there before. */
function made(path: string): boolean {
  try {
    makeNamedPipe(path, MODE)
    return true
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EEXIST') return false
    throw error
  }
}

function opened(path: string, flags: number): number {
  const isSomethingElse = `${path} is there and is no named pipe; it is left as it is`
  let fd: number
  try {
    // Opening a device may have effects of its own. What it is for certain shows when it is open.
    if (!lstatSync(path).isFIFO()) throw new Error(isSomethingElse)
    fd = openSync(path, flags)
  } catch (error) {
    throw new Error(`cannot open the named pipe ${path}: ${reasonOf(error)}`, { cause: error })
  }
  if (fstatSync(fd).isFIFO()) return fd
  closeSync(fd)
  throw new Error(isSomethingElse)
}
