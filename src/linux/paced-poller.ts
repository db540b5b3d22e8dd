import type { Millis } from '../time.ts'
import { Poller } from './poller.ts'

/** What there was to read: nothing, all that there was, or as much as one turn takes of it. */
export type Drained = 'nothing' | 'all' | 'part'

/**
 * Drains a file descriptor as soon as it has something to read, and then at most once in `pause`, until there is nothing more: what
 * comes a thousand times a second costs no more than what comes fifty times. `drain` bounds what it does in one turn.
 */
export class PacedPoller {
  /** A thread waits in it, so there is none before it is needed. */
  #poller: Poller | undefined
  readonly #pause: Millis
  readonly #drain: () => Drained
  #fd: number | undefined
  #busy = false
  #next: NodeJS.Timeout | undefined

  constructor(pause: Millis, drain: () => Drained) {
    this.#pause = pause
    this.#drain = drain
  }

  /** Watches this descriptor instead of another one; undefined: none. */
  watch(fd: number | undefined): void {
    clearTimeout(this.#next)
    this.#busy = false
    this.#fd = fd
    if (fd !== undefined) {
      this.#poller ??= new Poller(() => {
        if (!this.#busy) this.#turn()
      })
    }
    this.#poller?.watch(fd === undefined ? [] : [fd])
  }

  close(): void {
    clearTimeout(this.#next)
    this.#fd = undefined
    this.#poller?.close()
  }

  #turn(): void {
    const fd = this.#fd
    if (fd === undefined) return
    const drained = this.#drain()
    // It may have chosen another one.
    if (this.#fd !== fd) return
    if (drained === 'nothing') {
      if (this.#busy) this.watch(fd)
      return
    }
    if (!this.#busy) this.#poller?.watch([])
    this.#busy = true
    this.#next = setTimeout(() => this.#turn(), drained === 'part' ? 0 : this.#pause)
  }
}
