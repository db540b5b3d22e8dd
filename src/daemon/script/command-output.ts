import { closeSync, fchownSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { openPipe } from '../../linux/pipe.ts'
import { FirstLine } from './first-line.ts'

const CHUNK_BYTES = 64 * 1024
/** One for all: what is read is looked at before the next turn. */
const CHUNK = Buffer.alloc(CHUNK_BYTES)

/** Outputs of programs that commands have left running. Beyond it the oldest one is closed. */
const LEFT_OPEN = 64

/**
 * Standard output and errors of a command. Everything is read, since a program that nobody reads would hang, and only the first line is
 * kept. It is a pipe, not a socket, and its user's own, so that `echo > /dev/stderr` works in it.
 */
export class CommandOutput {
  static readonly #left = new Set<CommandOutput>()
  /** To give to the program; closed by `started`. */
  readonly writer: number
  readonly #reader: number
  readonly #stream: Socket
  readonly #firstLine = new FirstLine()

  /** Throws when there are no descriptors left. */
  constructor(uid: number, gid: number) {
    const { reader, writer } = openPipe()
    this.writer = writer
    this.#reader = reader
    if (uid !== 0) giveTo(writer, uid, gid)
    this.#stream = new Socket({
      fd: reader,
      readable: true,
      writable: false,
      onread: {
        buffer: CHUNK,
        callback: (length, buffer) => {
          this.#firstLine.add(buffer.subarray(0, length))
          return true
        },
      },
    })
    this.#stream.on('error', () => {})
    this.#stream.once('close', () => CommandOutput.#left.delete(this))
    this.#stream.resume()
  }

  /** The program has its end of it now, or never will. */
  started(): void {
    closeSync(this.writer)
  }

  /** The program has ended. Returns the first line; what others still write to the pipe is read and let go. */
  finish(): string {
    this.#readNow()
    if (!this.#stream.destroyed) {
      CommandOutput.#left.add(this)
      this.#stream.unref()
      const [oldest = this] = CommandOutput.#left
      if (CommandOutput.#left.size > LEFT_OPEN) oldest.#stream.destroy()
    }
    return this.#firstLine.toString()
  }

  /** What was written before the end may not have been read yet. A destroyed stream's descriptor may be another file's by now. */
  #readNow(): void {
    while (!this.#stream.destroyed && !this.#firstLine.isComplete) {
      try {
        const length = readSync(this.#reader, CHUNK)
        if (length === 0) return
        this.#firstLine.add(CHUNK.subarray(0, length))
      } catch {
        return // EAGAIN: nothing is left
      }
    }
  }
}

/** A program can write to it in any case; only opening it by name takes this. */
function giveTo(fd: number, uid: number, gid: number): void {
  try {
    fchownSync(fd, uid, gid)
  } catch {
    // As in a user namespace that does not know the user.
  }
}
