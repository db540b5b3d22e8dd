import { calls, checked } from './libc.ts'

const O_CLOEXEC = 0o2000000

/** Both ends of a new pipe, closed in programs that this process starts (pipe(7)). */
export interface Pipe {
  readonly reader: number
  readonly writer: number
}

/** Throws SystemError when there are no descriptors left. */
export function openPipe(): Pipe {
  const ends = new Int32Array(2)
  checked(calls.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC), 'open', 'a pipe')
  const [reader = -1, writer = -1] = ends
  return { reader, writer }
}

/** Makes a named pipe, whatever the mask of this process is. Throws SystemError, with EEXIST if something has this name. */
export function makeNamedPipe(path: string, mode: number): void {
  const mask = process.umask(0)
  try {
    checked(calls.mkfifo(path, mode), 'make the named pipe', path)
  } finally {
    process.umask(mask)
  }
}

const FIONREAD = 0x541b

/** How much is in a pipe that has not been read yet. Throws SystemError. */
export function unreadBytes(fd: number): number {
  const count = new Int32Array(1)
  checked(calls.ioctl(fd, FIONREAD, new Uint8Array(count.buffer)), 'look into', `pipe ${fd}`)
  return count[0] ?? 0
}
