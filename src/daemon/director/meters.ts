import { type Estimate, estimate, ratesOf } from '../../balance/estimator.ts'
import type { Rates, Traffic } from '../../model/traffic.ts'
import type { Core } from '../../forward/ebpf/core.ts'
import type { Write } from '../../forward/ebpf/write.ts'

/** Of what the core does not hold. */
export const NO_TOTALS: Rates = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }

type Kind = 'service' | 'dest'

/** Where totals begin, by slot; counters in decimal, which JSON has no integers for. */
export type KeptZeros = Readonly<
  Record<Kind, readonly (readonly [slot: number, zero: Record<keyof Traffic, string>])[]>
>

/**
 * Rates of what the core counts, and totals that can be set to zero: the core's own counters only grow, until a slot is given to
 * something else. Bounded by the core's slots.
 */
export class Meters {
  readonly #core: Core
  readonly #estimates: Readonly<Record<Kind, Map<number, Estimate>>> = { service: new Map(), dest: new Map() }
  readonly #zeros: Readonly<Record<Kind, Map<number, Traffic>>> = { service: new Map(), dest: new Map() }

  constructor(core: Core) {
    this.#core = core
    // What was counted before is no rate.
    this.#forEachLive((of, slot, now) => this.#estimates[of].set(slot, firstMet(now)))
  }

  /** What was written to the core: what is new there, or made anew, begins at 0 and is measured from its first packet on. */
  follow(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type === 'dest' && write.fresh) this.#forget('dest', write.slot)
      if (write.type !== 'service' || !write.fresh) continue
      this.#forget('service', write.entry.slot)
      for (const slot of write.left) this.#forget('dest', slot)
    }
  }

  get zeros(): KeptZeros {
    const kept = (of: Kind) => [...this.#zeros[of]].map(([slot, zero]) => [slot, mapTraffic(zero, String)] as const)
    return { service: kept('service'), dest: kept('dest') }
  }

  /** What another director of this core had set to zero. */
  restore(zeros: KeptZeros): void {
    for (const of of ['service', 'dest'] as const) {
      for (const [slot, zero] of zeros[of]) this.#zeros[of].set(slot, mapTraffic(zero, BigInt))
    }
  }

  /** To be called every ESTIMATE_EVERY_SECONDS. */
  tick(): void {
    const live = { service: new Set<number>(), dest: new Set<number>() }
    this.#forEachLive((of, slot, now) => {
      live[of].add(slot)
      this.#estimates[of].set(slot, estimate(this.#estimates[of].get(slot), now))
    })
    for (const of of ['service', 'dest'] as const) {
      for (const slots of [this.#estimates[of], this.#zeros[of]]) {
        for (const slot of slots.keys()) if (!live[of].has(slot)) slots.delete(slot)
      }
    }
  }

  /** By slot. */
  totals(of: Kind, slots: Iterable<number>): ReadonlyMap<number, Rates> {
    const counters = [...this.#core.counters(of, slots)]
    return new Map(counters.map(([slot, now]) => [slot, totalsSince(this.#zeros[of].get(slot), now)]))
  }

  rates(of: Kind, slot: number): Rates {
    return ratesOf(this.#estimates[of].get(slot))
  }

  zero(of: Kind, slots: Iterable<number>): void {
    for (const [slot, now] of this.#core.counters(of, slots)) {
      this.#zeros[of].set(slot, now)
      this.#estimates[of].set(slot, firstMet(now))
    }
  }

  #forget(of: Kind, slot: number): void {
    this.#estimates[of].delete(slot)
    this.#zeros[of].delete(slot)
  }

  #forEachLive(visit: (of: Kind, slot: number, now: Traffic) => void): void {
    const live = {
      service: new Set(this.#core.services().map(({ entry }) => entry.slot)),
      dest: this.#core.destinations().keys(),
    }
    for (const of of ['service', 'dest'] as const) {
      for (const [slot, now] of this.#core.counters(of, live[of])) visit(of, slot, now)
    }
  }
}

function mapTraffic<From, To>(
  traffic: Record<keyof Traffic, From>,
  to: (value: From) => To,
): Record<keyof Traffic, To> {
  const { connections, inPackets, outPackets, inBytes, outBytes } = traffic
  return {
    connections: to(connections),
    inPackets: to(inPackets),
    outPackets: to(outPackets),
    inBytes: to(inBytes),
    outBytes: to(outBytes),
  }
}

/** Measured from here on. */
const firstMet = (now: Traffic): Estimate => ({ last: now, averages: ratesOf(undefined) })

function totalsSince(zero: Traffic | undefined, now: Traffic): Rates {
  const since = (kind: keyof Traffic) => Number(now[kind] - (zero?.[kind] ?? 0n))
  return {
    connections: since('connections'),
    inPackets: since('inPackets'),
    outPackets: since('outPackets'),
    inBytes: since('inBytes'),
    outBytes: since('outBytes'),
  }
}
