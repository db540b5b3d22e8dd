import type { DirectorEvent } from '../../control/dump.ts'
import type { Transition } from '../messages.ts'

/** Events that a director remembers. */
export const EVENT_LIMIT = 1000

/** Mistakes of a refused file that its event names; the log and `tanist status` have them all. */
const ERRORS_SHOWN = 5

/** What has happened last. BOUNDED: the oldest event gives way. */
export class RecentEvents {
  readonly #ring: DirectorEvent[] = []
  /** Index of the oldest one when the ring is full; the next one goes there. */
  #next = 0

  add(event: DirectorEvent): void {
    this.#ring[this.#next] = event
    this.#next = (this.#next + 1) % EVENT_LIMIT
  }

  /** Oldest first. */
  list(): readonly DirectorEvent[] {
    if (this.#ring.length < EVENT_LIMIT) return [...this.#ring]
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
  }
}

export function transitionEvent({ instance, from, to, reason, at }: Transition): DirectorEvent {
  return { at: new Date(at).toISOString(), type: 'transition', instance: instance.name, from, to, reason }
}

/** `at` and `by` as people read them. */
export function reloadEvent(at: string, by: string, errors: readonly string[]): DirectorEvent {
  const left = errors.length - ERRORS_SHOWN
  const shown = left > 0 ? [...errors.slice(0, ERRORS_SHOWN), `${left} more`] : errors
  return { at, type: 'reload', by, errors: shown }
}
