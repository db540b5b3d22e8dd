import { constants } from 'node:os'
import { calls, checked, lastErrno, SystemError } from './libc.ts'

const IN_CLOSE_WRITE = 0x8
const IN_MOVED_FROM = 0x40
const IN_MOVED_TO = 0x80
const IN_CREATE = 0x100
const IN_DELETE = 0x200
const IN_ONLYDIR = 0x1000000
/** Not for changes of content: who writes may have emptied the file, and be about to write more. */
const MASK = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR
const IN_Q_OVERFLOW = 0x4000
const FLAGS = 0o2004000 // IN_CLOEXEC | IN_NONBLOCK
/** wd, mask, cookie, and the length of the name behind them. */
const HEADER = 16
/** Some thousand events. */
const BUFFER = 64 * 1024

/** Something has happened to a name in a watched directory. */
export interface NameEvent {
  readonly watch: number
  readonly name: string
}

/** What one read gives. `overflow`: the kernel has dropped events (inotify(7)), so anything may have happened. */
export interface NameEvents {
  readonly events: readonly NameEvent[]
  readonly overflow: boolean
}

/**
 * Watches directories for names that appear, disappear or change place, and for files that somebody who has written to them has
 * closed. Node's `fs.watch` does not tell of the last.
 */
export class Inotify {
  readonly fd: number
  readonly #buffer = Buffer.alloc(BUFFER)

  /** Throws SystemError, for example when the user has too many of these. */
  constructor() {
    this.fd = checked(calls.inotifyInit(FLAGS), 'open', 'inotify')
  }

  /** The number of the watch; one directory has one, by whatever path it is named. */
  add(directory: string): number | SystemError {
    const watch = calls.inotifyAddWatch(this.fd, directory, MASK)
    return watch < 0 ? new SystemError('watch directory', directory, lastErrno()) : watch
  }

  /** That the directory is gone, and its watch with it, is no error. */
  remove(watch: number): void {
    calls.inotifyRemoveWatch(this.fd, watch)
  }

  /** One read of what has happened, or undefined when nothing has. Throws SystemError. */
  read(): NameEvents | undefined {
    const length = Number(calls.read(this.fd, this.#buffer, this.#buffer.length))
    if (length >= 0) return decodeNameEvents(this.#buffer.subarray(0, length))
    const errno = lastErrno()
    if (errno === constants.errno.EAGAIN || errno === constants.errno.EINTR) return undefined
    throw new SystemError('read', 'inotify', errno)
  }

  close(): void {
    calls.close(this.fd)
  }
}

function decodeNameEvents(bytes: Buffer): NameEvents {
  const events: NameEvent[] = []
  let overflow = false
  for (let offset = 0; offset + HEADER <= bytes.length;) {
    const mask = bytes.readUInt32LE(offset + 4)
    const end = offset + HEADER + bytes.readUInt32LE(offset + 12)
    if (mask & IN_Q_OVERFLOW) overflow = true
    else {
      const name = bytes.toString('utf8', offset + HEADER, end)
      events.push({ watch: bytes.readInt32LE(offset), name: name.slice(0, (name + '\0').indexOf('\0')) })
    }
    offset = end
  }
  return { events, overflow }
}
