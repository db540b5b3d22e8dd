import type { AccessReading } from './access-hits.ts'
import type { Counters } from './counters.ts'
import type { ServerSpec, ServiceSpec, Timeouts } from './ipvs.ts'
import type { ServiceId } from './service.ts'

/**
 * What the forwarding core holds, read once: plain data, of which status, ipvsadm's listing and the rates are made. Bounded by the
 * core's services and servers; connections are not in it, since there may be many, and are read one by one.
 */
export interface CoreReading {
  /** Connections that the table of one family has room for. */
  readonly size: number
  readonly timeouts: Timeouts
  /** One for each address or mark that leads to a service. */
  readonly services: readonly ServiceReading[]
  /** Of all services, also of those that are gone, as long as there are connections to them. */
  readonly servers: readonly ServerReading[]
  /** Packets dropped so far, by reason. */
  readonly drops: Readonly<Record<string, bigint>>
}

export interface ServiceReading extends ServiceSpec {
  /** Made by tanist-ipvsadm, not by the configuration. */
  readonly byHand: boolean
  /** Undefined without an access list. */
  readonly access: AccessReading | undefined
  readonly counted: Counted
}

export interface ServerReading extends ServerSpec {
  readonly service: ServiceId
  /** False when nothing is planned for it any more, and some of its connections are left. */
  readonly isPresent: boolean
  readonly load: Load
  readonly counted: Counted
}

/**
 * What servers have failed to do for connections over TCP, since they have their place in the core. Modulo 2^32. By DR and TUN only
 * `unanswered` is seen.
 */
export interface ServerFaults {
  /** Connections whose client had to ask again. */
  readonly unanswered: number
  /** The server has answered the first packet by a reset. */
  readonly refused: number
  /** The server has ended an established connection by a reset. */
  readonly reset: number
}

export const NO_FAULTS: ServerFaults = { unanswered: 0, refused: 0, reset: 0 }

/** Connections to a server. */
export interface Load extends ServerFaults {
  readonly active: number
  readonly inactive: number
  /** Clients that persistence keeps at this server. */
  readonly persistent: number
}

/** What is counted. */
export interface Counted {
  /** Another number whenever counting begins anew: with a new service or server, and when its totals are set to zero. */
  readonly run: number
  /** They only grow in a run. */
  readonly counters: Counters
  /** What they were when totals were last set to zero. */
  readonly zero: Counters
}
