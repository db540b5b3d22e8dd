import { type FlapState, goodUntil, noFlaps, stepFlaps, type Watched } from '../../balance/flaps.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import type { Millis } from '../../time.ts'

/** Which servers are kept down as they flap (`flap_limit`), as of the last `follow`. */
export class Flaps {
  readonly #say: (began: boolean, what: string) => void
  #states: ReadonlyMap<string, FlapState> = new Map()

  /** `say`: for the log and the list of events. */
  constructor(say: (began: boolean, what: string) => void) {
    this.#say = say
  }

  /** `look`: how a server stands as far as nobody keeps it down here. Returns when the first of them has been good for long enough. */
  follow(
    servers: readonly VirtualServer[],
    look: (server: VirtualServer, real: RealServer) => Omit<Watched, 'name'>,
    now: Millis,
  ): Millis | undefined {
    const states = new Map<string, FlapState>()
    let next: Millis | undefined
    for (const server of servers) {
      const { name, flapLimit: rule, realServers } = server
      if (rule === undefined) continue
      const before = this.#states.get(name) ?? noFlaps
      const watched = realServers.map((real) => ({ name: endpointName(real.endpoint), ...look(server, real) }))
      const state = stepFlaps(rule, before, watched, now)
      states.set(name, state)
      this.#sayChanges(server, before, state)
      for (const each of state.servers.values()) {
        const until = goodUntil(rule, each)
        if (until !== undefined && (next === undefined || until < next)) next = until
      }
    }
    this.#states = states
    return next
  }

  keepsDown(server: VirtualServer, real: RealServer): boolean {
    return this.#states.get(server.name)?.keptDown.has(endpointName(real.endpoint)) === true
  }

  /** For people; undefined: it does not flap. */
  describe({ name, flapLimit: rule }: VirtualServer, { endpoint }: RealServer): string | undefined {
    const state = this.#states.get(name)
    const server = endpointName(endpoint)
    const known = state?.servers.get(server)
    if (rule === undefined || state === undefined || known?.isDamped !== true) return undefined
    const flaps = `flapping: ${rule.changes} changes in ${rule.within / 1000} s`
    if (state.spared.has(server)) return `${flaps}; in service as there was no other`
    const until = goodUntil(rule, known)
    if (until === undefined) return `${flaps}; held down until it has been good for ${rule.within / 1000} s`
    const at = new Date(Date.now() + until - performance.now()).toISOString().replace(/\.\d+/, '')
    return `${flaps}; held down until ${at}`
  }

  #sayChanges({ name, flapLimit: rule }: VirtualServer, before: FlapState, now: FlapState): void {
    if (rule === undefined) return
    const [changes, within] = [rule.changes, `${rule.within / 1000} s`]
    for (const [server, { isDamped }] of now.servers) {
      if (isDamped === (before.servers.get(server)?.isDamped === true)) continue
      const which = `server ${server} of VS ${name}`
      const began = `${which} is flapping: ${changes} changes in ${within}; it is held down until it has been good for ${within}`
      this.#say(isDamped, isDamped ? began : `${which} has been good for ${within}; it is not held down any more`)
    }
    for (const server of now.spared) {
      const spared = `server ${server} of VS ${name} is flapping, and comes up all the same: there is no other`
      if (!before.spared.has(server)) this.#say(true, spared)
    }
  }
}
