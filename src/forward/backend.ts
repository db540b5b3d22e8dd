import type { ForwardPlan } from '../balance/plan.ts'
import type { NetworkChange } from '../linux/network-changes.ts'
import type { Link } from '../linux/rtnetlink.ts'
import type { Config } from '../model/config.ts'
import type { Connection } from '../model/connection.ts'
import type { CoreReading } from '../model/core-reading.ts'
import type { Counters } from '../model/counters.ts'
import type { Timeouts } from '../model/ipvs.ts'
import type { Hops } from '../model/next-hop.ts'
import type { OtherDirector } from '../model/other-director.ts'
import type { ServiceId } from '../model/service.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Traced, TracePacket } from '../model/trace.ts'
import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'

/** What the configuration says of forwarding beside services and servers. */
export type ForwardOptions = Pick<Config, 'switches' | 'attachment' | 'closed'>

/**
 * Who forwards: the eBPF core, or what could do it in its place (docs/decisions/020-plan-and-backends.md says how the kernel's IPVS would).
 * It is told what is to be and finds out itself what of it is new. Calls that speak to the kernel throw SystemError.
 */
export interface Backend {
  /** Whether it goes on with what an earlier daemon has left: services, servers and connections. */
  readonly adopted: boolean

  /** Holds from the next plan on at the latest, as the next three do. */
  configure(options: ForwardOptions): void
  /** These are all links of this host. */
  setLinks(links: readonly Link[]): void
  /** These are all addresses of this host. */
  setOwnAddresses(addresses: Iterable<Address>): void
  /** These are all directors that balance what is sent on to this one. */
  setOtherDirectors(directors: readonly OtherDirector[]): void
  /** Something about the network has changed; links and addresses are told apart from that. */
  noteChange(change: NetworkChange): void

  /**
   * Makes the core do what the plan says; `hops` has the servers' next hops. Every state on the way is right. Throws CoreFullError
   * before anything is changed. With `partly` servers that there is no room for are left out instead, and returned.
   */
  apply(plan: ForwardPlan, hops: Hops, partly: boolean): readonly Endpoint[]
  /** Whether something of the last plan is yet to be done, and another one is due. */
  readonly isBehind: boolean
  /** All is in place: it may go on without a deadline. */
  start(): void

  read(): CoreReading
  /** Connections, then templates, as they are while the list is read. */
  connections(): Iterable<Connection>
  /** Takes a connection out of the table; its client must open a new one. False when it is gone already. */
  forget(connection: Pick<Connection, 'protocol' | 'client' | 'virtual'>): boolean
  readonly timeouts: Timeouts
  /** Connections that are armed from now on have these. */
  setTimeouts(timeouts: Timeouts): void
  /** Totals of a service and its servers begin at 0, or those of all. False when there is no such service. */
  zero(id: ServiceId | undefined): boolean
  /** What its successor is to know of that. */
  readonly zeros: KeptZeros
  /** What would become of a packet. Not every backend can say. */
  trace?(packet: TracePacket, mark: number): Traced

  /** The links that programs of it are on; none where the kernel itself forwards. */
  readonly programs: readonly AttachedTo[]

  /** Frees what is over. Returns after how long this is due again. */
  sweep(): Millis
  /** Makes again what somebody else has removed, and says so. `isBehind` may be true then. */
  repair(): void

  /** Lets it go on by itself for so long; from then on it passes everything. */
  leave(grace: Millis): void
  /** Removes it with all that it holds. */
  remove(): void
}

/** A link by its index, and how a program is attached to it. */
export interface AttachedTo {
  readonly ifindex: number
  readonly hook: 'tcx' | 'clsact' | 'xdp'
}

/** Where totals begin, by the backend's own number of what is counted; in decimal, since JSON has no integers for it. */
export type KeptZeros = Readonly<
  Record<'service' | 'dest', readonly (readonly [number: number, zero: Record<keyof Counters, string>])[]>
>

/** The plan needs more than the backend has room for. */
export class CoreFullError extends Error {
  constructor(what: string, limit: number) {
    super(`the forwarding core holds at most ${limit} ${what}`)
    this.name = 'CoreFullError'
  }
}
