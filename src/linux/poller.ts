import { type Millis, millis } from '../time.ts'
import { calls, checked } from './libc.ts'

const POLLIN = 1
const EFD_FLAGS = 0o2004000 // EFD_CLOEXEC | EFD_NONBLOCK

/**
 * Calls `onReadable` whenever one of a set of file descriptors has something to read. One `poll` waits in libuv's
 * thread pool; the descriptors are not consumed here, so the callback reads until there is nothing left and no
 * message is lost between two waits. With a `pause`, what comes in a steady stream is waited for once in that time, so that a
 * thousand messages a second do not cost a thousand waits; the first after a silence of twice the pause is told at once.
 */
export class Poller {
  readonly #wake = checked(calls.eventfd(0, EFD_FLAGS), 'open', 'eventfd')
  readonly #onReadable: () => void
  #fds: readonly number[] = []
  #closed = false
  readonly #pause: Millis
  #calledAt = Number.NEGATIVE_INFINITY

  constructor(onReadable: () => void, pause: Millis = millis(0)) {
    this.#onReadable = onReadable
    this.#pause = pause
    this.#wait()
  }

  /** Replaces the set. A wait that is under way starts again with it. */
  watch(fds: readonly number[]): void {
    this.#fds = fds
    this.#interrupt()
  }

  /** Ends the wait; its thread is given back. */
  close(): void {
    this.#closed = true
    this.#interrupt()
  }

  #interrupt(): void {
    calls.write(this.#wake, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), 8)
  }

  #wait(): void {
    const all = [this.#wake, ...this.#fds]
    const request = Buffer.alloc(all.length * 8)
    all.forEach((fd, i) => {
      request.writeInt32LE(fd, i * 8)
      request.writeInt16LE(POLLIN, i * 8 + 4)
    })
    calls.poll.async(request, all.length, -1, () => {
      calls.read(this.#wake, Buffer.alloc(8), 8)
      if (this.#closed) {
        calls.close(this.#wake)
        return
      }
      const now = performance.now()
      const isStream = now - this.#calledAt < 2 * this.#pause
      this.#calledAt = now
      this.#onReadable()
      if (isStream) setTimeout(() => this.#wait(), this.#pause)
      else this.#wait()
    })
  }
}
