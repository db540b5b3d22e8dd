import { type Estimate, estimate, type Rates, ratesOf, type Traffic } from '../balance/estimator.ts'
import type { Core } from '../forward/core.ts'

/** Of what the core does not hold. */
export const NO_TOTALS: Rates = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }

type Kind = 'service' | 'dest'

/** Where totals begin, by slot; counters in decimal, which JSON has no integers for. */
export type KeptZeros = Readonly<
  Record<Kind, readonly (readonly [slot: number, zero: Record<keyof Traffic, string>])[]>
>

/**
 * Rates of what the core counts, and totals that can be set to zero: the core's own counters only grow. Bounded by the core's
 * slots.
 */
export class Meters {
  readonly #core: Core
  readonly #estimates: Readonly<Record<Kind, Map<number, Estimate>>> = { service: new Map(), dest: new Map() }
  readonly #zeros: Readonly<Record<Kind, Map<number, Traffic>>> = { service: new Map(), dest: new Map() }

  constructor(core: Core) {
    this.#core = core
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
    this.#tick('service', new Set(this.#core.services().map(({ entry }) => entry.slot)))
    this.#tick('dest', new Set(this.#core.destinations().keys()))
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

  #tick(of: Kind, live: ReadonlySet<number>): void {
    const [estimates, zeros] = [this.#estimates[of], this.#zeros[of]]
    for (const [slot, now] of this.#core.counters(of, live)) {
      const before = estimates.get(slot)
      const known = before === undefined || isNew(now, before.last) ? firstMet(now) : before
      estimates.set(slot, estimate(known, now))
    }
    for (const slot of estimates.keys()) if (!live.has(slot)) estimates.delete(slot)
    for (const slot of zeros.keys()) if (!live.has(slot)) zeros.delete(slot)
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

/** What was counted before is no rate. */
const firstMet = (now: Traffic): Estimate => ({ last: now, averages: ratesOf(undefined) })

/** Counters below what they were belong to another service or server, which got the slot. */
const isNew = (now: Traffic, before: Traffic): boolean => now.inPackets < before.inPackets

function totalsSince(zero: Traffic | undefined, now: Traffic): Rates {
  const from = zero === undefined || isNew(now, zero) ? undefined : zero
  const since = (kind: keyof Traffic) => Number(now[kind] - (from?.[kind] ?? 0n))
  return {
    connections: since('connections'),
    inPackets: since('inPackets'),
    outPackets: since('outPackets'),
    inBytes: since('inBytes'),
    outBytes: since('outBytes'),
  }
}
