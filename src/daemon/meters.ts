import { type Estimate, estimate, type Rates, ratesOf, type Traffic } from '../balance/estimator.ts'
import type { Core } from '../forward/core.ts'

type Kind = 'service' | 'dest'

/**
 * Rates of what the core counts, and totals that can be set to zero: the core's own counters only grow. Bounded by the core's
 * slots.
 */
export class Meters {
  readonly #core: Core
  readonly #estimates = new Map<string, Estimate>()
  readonly #zeros = new Map<string, Traffic>()

  constructor(core: Core) {
    this.#core = core
  }

  /** To be called every ESTIMATE_EVERY_SECONDS. */
  tick(): void {
    const dests = this.#core.destinations()
    const services = new Set(this.#core.services().map(({ entry }) => entry.slot))
    const live = new Set([
      ...[...services].map((slot) => this.#tickOne('service', slot)),
      ...[...dests.keys()].map((slot) => this.#tickOne('dest', slot)),
    ])
    for (const name of this.#estimates.keys()) if (!live.has(name)) this.#estimates.delete(name)
    for (const name of this.#zeros.keys()) if (!live.has(name)) this.#zeros.delete(name)
  }

  totals(of: Kind, slot: number): Rates {
    const now = this.#core.counters(of, slot)
    const zero = this.#zeros.get(`${of} ${slot}`)
    const since = (kind: keyof Traffic) =>
      Number(now[kind] - (zero === undefined || isNew(now, zero) ? 0n : zero[kind]))
    return {
      connections: since('connections'),
      inPackets: since('inPackets'),
      outPackets: since('outPackets'),
      inBytes: since('inBytes'),
      outBytes: since('outBytes'),
    }
  }

  rates(of: Kind, slot: number): Rates {
    return ratesOf(this.#estimates.get(`${of} ${slot}`))
  }

  zero(of: Kind, slot: number): void {
    this.#zeros.set(`${of} ${slot}`, this.#core.counters(of, slot))
    this.#estimates.delete(`${of} ${slot}`)
    this.#tickOne(of, slot)
  }

  #tickOne(of: Kind, slot: number): string {
    const name = `${of} ${slot}`
    const now = this.#core.counters(of, slot)
    const before = this.#estimates.get(name)
    // What is met for the first time has been counted before; that is no rate.
    const known = before === undefined || isNew(now, before.last) ? { last: now, averages: ratesOf(undefined) } : before
    this.#estimates.set(name, estimate(known, now))
    return name
  }
}

/** Counters below what they were belong to another service or server, which got the slot. */
const isNew = (now: Traffic, before: Traffic): boolean => now.inPackets < before.inPackets
