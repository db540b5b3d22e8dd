import type { Counted } from '../../model/core-reading.ts'
import type { Counters } from '../../model/counters.ts'
import type { KeptZeros } from '../backend.ts'
import type { Write } from './write.ts'

type Kind = 'service' | 'dest'

const NOTHING: Counters = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

/**
 * Where counting began: the core's own counters only grow, until a slot is given to something else. Bounded by the core's slots.
 */
export class Counting {
  readonly #zeros: Readonly<Record<Kind, Map<number, Counters>>> = { service: new Map(), dest: new Map() }
  readonly #runs: Readonly<Record<Kind, Map<number, number>>> = { service: new Map(), dest: new Map() }
  #nextRun = 1

  /** What another director of this core had set to zero. */
  restore(zeros: KeptZeros): void {
    for (const kind of ['service', 'dest'] as const) {
      for (const [slot, zero] of zeros[kind]) this.#zeros[kind].set(slot, mapCounters(zero, BigInt))
    }
  }

  get zeros(): KeptZeros {
    const kept = (of: Kind) => [...this.#zeros[of]].map(([slot, zero]) => [slot, mapCounters(zero, String)] as const)
    return { service: kept('service'), dest: kept('dest') }
  }

  /** What was written to the core: what is new there, or made anew, begins at 0. */
  follow(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type === 'dest' && write.fresh) this.#begin('dest', write.slot)
      if (write.type !== 'service' || !write.fresh) continue
      this.#begin('service', write.entry.slot)
      for (const slot of write.left) this.#begin('dest', slot)
    }
  }

  /** Totals begin at 0 from what is counted now. */
  zero(of: Kind, slot: number, now: Counters): void {
    this.#begin(of, slot)
    this.#zeros[of].set(slot, now)
  }

  counted(of: Kind, slot: number, counters: Counters): Counted {
    let run = this.#runs[of].get(slot)
    if (run === undefined) this.#runs[of].set(slot, (run = this.#nextRun++))
    return { run, counters, zero: this.#zeros[of].get(slot) ?? NOTHING }
  }

  #begin(of: Kind, slot: number): void {
    this.#runs[of].delete(slot)
    this.#zeros[of].delete(slot)
  }
}

function mapCounters<From, To>(
  counters: Record<keyof Counters, From>,
  to: (value: From) => To,
): Record<keyof Counters, To> {
  const { connections, inPackets, outPackets, inBytes, outBytes } = counters
  return {
    connections: to(connections),
    inPackets: to(inPackets),
    outPackets: to(outPackets),
    inBytes: to(inBytes),
    outBytes: to(outBytes),
  }
}
