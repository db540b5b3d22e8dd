import { nextRise, noSlowStarts, risenWeight, type Starter, stepSlowStarts } from '../../balance/slow-start.ts'
import type { Standing } from '../../balance/standing.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { type Millis, millis } from '../../time.ts'
import { nameIn } from './name-in.ts'

/** The weights of servers that start slowly (`slow_start`), as of the last `follow`. */
export class SlowStarts {
  #starts = noSlowStarts
  #now = millis(0)

  /** `stateOf`: how a server stands, whoever holds it. Returns when the next weight changes, at most a step from now. */
  follow(
    servers: readonly VirtualServer[],
    stateOf: (server: VirtualServer, real: RealServer) => Pick<Starter, 'state'> & { readonly weight: number },
    now: Millis,
  ): Millis | undefined {
    const starters: Starter[] = []
    const weights = new Map<string, number>()
    for (const server of servers) {
      for (const real of server.realServers) {
        if (real.slowStart === undefined) continue
        const name = nameIn(server, real)
        const { state, weight } = stateOf(server, real)
        starters.push({ name, over: real.slowStart, state })
        weights.set(name, weight)
      }
    }
    this.#now = now
    this.#starts = stepSlowStarts(this.#starts, starters, now)
    const next = [...this.#starts.rising].flatMap(([name, rise]) => nextRise(weights.get(name) ?? 0, rise, now) ?? [])
    return next.length === 0 ? undefined : next.reduce((first, each) => (each < first ? each : first))
  }

  standing(server: VirtualServer, real: RealServer, whole: Standing): Standing {
    const rise = this.#starts.rising.get(nameIn(server, real))
    const risen = rise === undefined || !whole.up ? whole.weight : risenWeight(whole.weight, rise, this.#now)
    return risen === whole.weight ? whole : { ...whole, risen }
  }

  /** For people. */
  describe(server: VirtualServer, real: RealServer): string | undefined {
    const rise = this.#starts.rising.get(nameIn(server, real))
    if (rise === undefined) return undefined
    const left = Math.max(0, rise.since + rise.over - performance.now())
    return `slow start: its whole weight in ${Math.ceil(left / 1000)} s`
  }
}
