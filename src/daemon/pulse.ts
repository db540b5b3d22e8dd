import type { Alive } from './messages.ts'

/** How a child process shows that its event loop turns, and when the director gives it up. */
export interface Pulse {
  readonly everyMs: number
  /** So many turns of the director's own clock without a word, and the child is killed and started again. */
  readonly missed: number
}

/**
 * vrrp: a master that hangs is replaced before its peers, at adverts of 1 s, give up on it. Its real-time priority and small heap let
 * it speak in time on a busy machine. check: thousands of probes may keep it busy for a while, and nothing hangs on a second.
 * script: as check; it has most to do when everything fails at once.
 */
export const PULSES = {
  vrrp: { everyMs: 250, missed: 4 },
  check: { everyMs: 1000, missed: 10 },
  script: { everyMs: 1000, missed: 10 },
} as const satisfies Record<'vrrp' | 'check' | 'script', Pulse>

/** Has this child process speak. While the director does not listen, one message waits, not ever more of them. */
export function startPulse({ everyMs }: Pulse): void {
  let isWaiting = false
  setInterval(() => {
    if (isWaiting || !process.connected) return
    isWaiting = true
    process.send?.({ type: 'alive' } satisfies Alive, undefined, undefined, () => (isWaiting = false))
  }, everyMs)
}

/** Until its first word a process is being started, which may take long on a busy machine. */
const STARTUP_MS = 30_000

/**
 * Counts a child's silence in turns of this process's own clock. A director that was stalled itself blames nobody: its clock has
 * then turned once, and what the child has said meanwhile is read before it turns again.
 */
export class Silence {
  readonly #pulse: Pulse
  #turns = 0
  #hasSpoken = false

  constructor(pulse: Pulse) {
    this.#pulse = pulse
  }

  /** A new process is there. */
  begin(): void {
    this.#hasSpoken = false
    this.#turns = 0
  }

  heard(): void {
    this.#hasSpoken = true
    this.#turns = 0
  }

  /** To be called every `everyMs`. True when it has been silent for too long. */
  turn(): boolean {
    this.#turns++
    return this.#hasSpoken ? this.#turns >= this.#pulse.missed : this.ms >= STARTUP_MS
  }

  /** Since the process began. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  get ms(): number {
    return this.#turns * this.#pulse.everyMs
  }
}
