import type { Address } from '../net/address.ts'
import type { AccessHits } from './access-hits.ts'
import type { Hop } from './next-hop.ts'
import type { Forwarding, ServiceId } from './service.ts'
import type { Endpoint } from './endpoint.ts'

/** A packet that might come in. */
export interface TracePacket {
  readonly protocol: 'TCP' | 'UDP'
  readonly client: Endpoint
  readonly virtual: Endpoint
}

/** What would become of it. */
export interface Traced {
  /** `stack`: it is not ours; `refused`: its client is told so by ICMP. */
  readonly outcome: 'forwarded' | 'stack' | 'dropped' | 'refused'
  /** What has chosen the server. */
  readonly rule: 'connection' | 'template' | 'scheduler' | 'reply' | 'denied' | 'closed' | 'ended' | undefined
  /** What the service's access list has decided, and by which prefix; undefined: by none of them. */
  readonly access: Pick<AccessHits, 'verdict' | 'prefix'> | undefined
  readonly server:
    | {
        readonly service: ServiceId
        readonly endpoint: Endpoint
        readonly forwarding: Forwarding
        readonly hop: Hop | undefined
      }
    | undefined
  /** Headers of what would leave, the outermost first. */
  readonly leaves: readonly SeenHeader[]
}

/** An IP header, with the ports behind it if there are any. */
export interface SeenHeader {
  readonly protocol: number
  readonly source: Address
  readonly destination: Address
  readonly ttl: number
  readonly ports: readonly [source: number, destination: number] | undefined
}
