import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import type { Track } from './tracking.ts'

export interface VirtualAddress {
  readonly address: Ipv4
  readonly prefix: number
  /** The instance's interface unless the line says `dev`. */
  readonly device: string
}

export type VrrpVersion = 2 | 3

export interface VrrpInstance {
  readonly name: string
  readonly interface: string
  readonly vrid: number
  readonly version: VrrpVersion
  /** 1–254; 255 owns the addresses (RFC 9568 §5.2.4). */
  readonly priority: number
  readonly advertInt: Millis
  readonly preempt: boolean
  readonly preemptDelay: Millis
  /** In the adverts, and on an interface while master. */
  readonly addresses: readonly VirtualAddress[]
  /** On an interface while master, but not in the adverts. */
  readonly excludedAddresses: readonly VirtualAddress[]
  /** Source of the adverts; the interface's primary address when undefined. */
  readonly source: Ipv4 | undefined
  /** Adverts go to each of these instead of to the multicast group when there are any. */
  readonly unicastPeers: readonly Ipv4[]
  /** VRRPv2 simple password (RFC 2338 §5.3.6); the first 8 bytes count. */
  readonly password: string | undefined
  /** What it hangs on besides its own interface. */
  readonly tracks: readonly Track[]
  /** Its own interface being down is a fault. */
  readonly trackPrimary: boolean
  /** A configured source must be on its own interface; else on any of the host. */
  readonly trackSource: boolean
  readonly garp: {
    /** The second block of gratuitous ARPs follows the first after this; 0: none. */
    readonly delay: Millis
    readonly repeat: number
  }
}

export interface SyncGroup {
  readonly name: string
  readonly instances: readonly string[]
  /** What all of its members hang on. */
  readonly tracks: readonly Track[]
}

/**
 * What a virtual router is known by from one configuration, and one process, to the next. The name of its instance is
 * not part of it: it only tells unicast routers apart that share a VRID.
 */
export type RouterIdentity = Pick<VrrpInstance, 'name' | 'interface' | 'vrid'>
