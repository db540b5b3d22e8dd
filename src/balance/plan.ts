import type {
  AccessEntry,
  AddressService,
  Forwarding,
  Persistence,
  Scheduler,
  SchedulerFlags,
  ServiceId,
  Thresholds,
  VirtualServer,
} from '../model/service.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Address } from '../net/address.ts'

/** What the forwarding core should do: a value, made from configuration and verdicts. It knows nothing of how a backend does it. */
export interface ForwardPlan {
  readonly services: readonly PlannedService[]
}

export interface PlannedService {
  readonly id: ServiceId
  /** Further addresses that are the same service: one scheduler, one set of servers, one memory of clients. */
  readonly marked: readonly AddressService[]
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly persistence: Persistence | undefined
  readonly onePacket: boolean
  readonly localAddresses: readonly Address[]
  readonly idleSeconds: number | undefined
  /** See VirtualServer. */
  readonly access: readonly AccessEntry[]
  readonly throughFirewall: boolean
  /** Made by tanist-ipvsadm, not by the configuration. */
  readonly byHand: boolean
  /** All servers that have a place in the core, in IPVS's list order: the one added last is first. */
  readonly destinations: readonly PlannedDestination[]
}

export interface PlannedDestination {
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  /** 0: quiesced. Its connections go on, and it gets no new ones. */
  readonly weight: number
  /** Its weight when it is not quiesced; `mh` distributes by it. */
  readonly fullWeight: number
  readonly thresholds: Thresholds
  /** Clients that persistence keeps there get another server with their next connection. */
  readonly releasesClients?: boolean
}

/** A service's pool as it stands at the moment. `servers` are in the order of the configuration. */
export function planService(
  server: Pick<
    VirtualServer,
    | 'marked'
    | 'scheduler'
    | 'schedulerFlags'
    | 'persistence'
    | 'onePacket'
    | 'localAddresses'
    | 'idleSeconds'
    | 'access'
    | 'throughFirewall'
  > & { readonly id: ServiceId },
  servers: readonly PlannedDestination[],
  byHand = false,
): PlannedService {
  const { id, marked, scheduler, schedulerFlags: flags, persistence, onePacket, localAddresses, idleSeconds } = server
  const { access, throughFirewall } = server
  const destinations = servers.toReversed()
  return {
    id,
    marked,
    scheduler,
    flags,
    persistence,
    onePacket,
    localAddresses,
    idleSeconds,
    access,
    throughFirewall,
    byHand,
    destinations,
  }
}
