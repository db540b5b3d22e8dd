import {
  failedLately,
  heldUntil,
  nothingObserved,
  type ObservationState,
  stepObservation,
} from '../../balance/observation.ts'
import type { CoreReading, ServerReading } from '../../model/core-reading.ts'
import { endpointName } from '../../model/endpoint.ts'
import { endpointIn, type RealServer, serviceName, type VirtualServer } from '../../model/service.ts'
import type { Millis } from '../../time.ts'

/** Which servers are held down as they fail their clients (`observe_limit`), as of the last `observe`. */
export class Observations {
  readonly #say: (began: boolean, what: string) => void
  #states: ReadonlyMap<string, ObservationState> = new Map()

  /** `say`: for the log and the list of events. */
  constructor(say: (began: boolean, what: string) => void) {
    this.#say = say
  }

  /** `serves`: whether clients would get a server, if nobody held it down here. Returns whether others are held now. */
  observe(
    servers: readonly VirtualServer[],
    serves: (server: VirtualServer, real: RealServer) => boolean,
    reading: CoreReading,
    now: Millis,
  ): boolean {
    const watched = servers.filter(({ observeLimit }) => observeLimit !== undefined)
    if (watched.length === 0 && this.#states.size === 0) return false
    const readings = Map.groupBy(reading.servers, ({ service }) => serviceName(service))
    const states = new Map<string, ObservationState>()
    let hasChanged = false
    for (const server of watched) {
      if (server.observeLimit === undefined) continue
      const before = this.#states.get(server.name) ?? nothingObserved
      const observed = server.realServers.map((real) => ({
        name: endpointName(real.endpoint),
        serves: serves(server, real),
        ...metBy(server, real, readings),
      }))
      const state = stepObservation(server.observeLimit, before, observed, now)
      states.set(server.name, state)
      if (this.#sayChanges(server, before, state)) hasChanged = true
    }
    this.#states = states
    return hasChanged
  }

  holdsDown({ name, observeLimit }: VirtualServer, { endpoint }: RealServer): boolean {
    const state = this.#states.get(name)
    return observeLimit !== undefined && state !== undefined && heldUntil(state, endpointName(endpoint)) !== undefined
  }

  /** For people; undefined: it is not held. */
  describe(server: VirtualServer, { endpoint }: RealServer): string | undefined {
    const state = this.#states.get(server.name)
    const until = state && heldUntil(state, endpointName(endpoint))
    if (server.observeLimit === undefined || until === undefined) return undefined
    const at = new Date(Date.now() + until - performance.now()).toISOString().replace(/\.\d+/, '')
    return `its clients failed (observe_limit); held down until ${at}`
  }

  #sayChanges({ name, observeLimit }: VirtualServer, before: ObservationState, now: ObservationState): boolean {
    const within = `${(observeLimit?.within ?? 0) / 1000} s`
    let hasChanged = false
    for (const server of now.servers.keys()) {
      const isHeld = heldUntil(now, server) !== undefined
      if (isHeld === (heldUntil(before, server) !== undefined)) continue
      hasChanged = true
      const { failed, opened } = failedLately(now, server)
      const which = `server ${server} of VS ${name}`
      const began = `${which} failed ${failed} of ${opened} new connections within ${within}; it is held down for ${within}`
      this.#say(isHeld, isHeld ? began : `${which} is not held down for its failures any more`)
    }
    return hasChanged
  }
}

/** What the clients of all services of a virtual server have met at one of its servers. */
function metBy(
  server: VirtualServer,
  real: RealServer,
  readings: ReadonlyMap<string, readonly ServerReading[]>,
): { opened: number; failed: number } {
  let [opened, failed] = [0, 0]
  for (const id of server.services) {
    const name = endpointName(endpointIn(id, real))
    const found = readings.get(serviceName(id))?.find(({ endpoint }) => endpointName(endpoint) === name)
    if (found === undefined) continue
    opened += Number(found.counted.counters.connections)
    failed += found.load.unanswered + found.load.refused
  }
  return { opened, failed }
}
