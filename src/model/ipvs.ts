import type { Forwarding, Persistence, Scheduler, SchedulerFlags, ServiceId, Thresholds } from './service.ts'
import type { Endpoint } from './endpoint.ts'

/** A virtual service as ipvsadm makes it. */
export interface IpvsService {
  readonly id: ServiceId
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly persistence: Persistence | undefined
  readonly onePacket: boolean
  /** In the order in which they were added. */
  readonly servers: readonly IpvsServer[]
}

export interface IpvsServer {
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  readonly weight: number
  readonly thresholds: Thresholds
  /** The last weight that was not 0. */
  readonly fullWeight: number
}

export type ServiceSpec = Omit<IpvsService, 'servers'>

export type ServerSpec = Omit<IpvsServer, 'fullWeight'>

/** What ipvsadm asks for. */
export type IpvsCommand =
  | { readonly type: 'add-service' | 'edit-service'; readonly service: ServiceSpec }
  | { readonly type: 'delete-service'; readonly id: ServiceId }
  | { readonly type: 'flush' }
  | { readonly type: 'add-server' | 'edit-server'; readonly id: ServiceId; readonly server: ServerSpec }
  | {
      readonly type: 'delete-server'
      readonly id: ServiceId
      readonly server: Pick<ServerSpec, 'endpoint' | 'forwarding'>
    }

/** Why IPVS would refuse it, and one reason of our own: the service is the configuration's. */
export type IpvsFailure =
  | 'service-exists'
  | 'no-such-service'
  | 'service-not-defined'
  | 'server-exists'
  | 'no-such-server'
  | 'invalid'
  | 'out-of-range'
  | 'configured'

/** What became of a command. `full`: the core has no room for it. */
export type IpvsOutcome = 'done' | 'full' | IpvsFailure

/** The time-outs that can be changed, in seconds. */
export interface Timeouts {
  readonly tcp: number
  readonly tcpFin: number
  readonly udp: number
}

/** Of a core that nobody has told others. */
export const USUAL_TIMEOUTS: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 }

/**
 * IPVS's switches of these names: what is over as soon as its server is removed, or takes no new clients; and that nothing of a real server
 * by NAT leaves that is no connection's.
 */
export interface Switches {
  readonly expireNodestConn: boolean
  readonly expireQuiescentTemplate: boolean
  readonly natIcmpSend: boolean
}
