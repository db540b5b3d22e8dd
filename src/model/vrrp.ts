import type { Address } from '../net/address.ts'
import type { Routing } from '../net/route.ts'
import type { Millis } from '../time.ts'
import type { AddressOptions } from './address-options.ts'
import type { ElectionOptions } from './election.ts'
import type { Track } from './tracking.ts'

export interface VirtualAddress {
  readonly address: Address
  readonly prefix: number
  /** The instance's interface unless the line says `dev`. */
  readonly device: string
  /** Absent: none. */
  readonly options?: AddressOptions
}

export type VrrpVersion = 2 | 3

/** IPv4 or IPv6: two families with one VRID are two virtual routers (RFC 9568 §1.2). */
export type Family = 4 | 6

/** A network interface that has the MAC address of a virtual router, on top of another one (RFC 9568 §7.3). Ours to make and to remove. */
export interface VirtualLink {
  readonly name: string
  readonly base: string
  /** Such as `00:00:5e:00:01:33`. */
  readonly mac: string
  /** Of interfaces, as `ip link … group` has it. */
  readonly group: number | undefined
}

export interface UnicastPeer {
  readonly address: Address
  /** What the TTL, or hop limit, of its adverts may be when they arrive here. */
  readonly minTtl: number
  readonly maxTtl: number
}

/**
 * What the checksum of an advert covers besides the message: a pseudo-header as in RFC 5798; nothing, as in version 2 and RFC 9568
 * §5.2.8 for IPv4; a pseudo-header that has 224.0.0.18 in unicast adverts, too, as keepalived before 1.3.7 sent.
 */
export type AdvertChecksum = 'pseudo-header' | 'plain' | 'old-unicast'

/** What proves that an advert is from a peer. */
export type Authentication =
  | { readonly type: 'none' }
  /** Version 2, in clear text (RFC 2338 §5.3.6); the first 8 bytes count. */
  | { readonly type: 'pass'; readonly password: string }
  /** Version 2 over IPv4, an Authentication Header before the advert (RFC 2338 §5.3.6, RFC 2402); the first 8 bytes count. */
  | { readonly type: 'ah'; readonly password: string }
  | HmacAuthentication

/** A trailer behind the advert, as keepalived 2.4.2 has it. */
export interface HmacAuthentication {
  readonly type: 'hmac'
  /** At least one; no id twice. */
  readonly keys: readonly HmacKey[]
  /** Number of the one that signs. */
  readonly activeKey: number
  /** How far the clocks of two directors may be apart. Undefined: only the order of the adverts counts. */
  readonly window: Millis | undefined
  /** `receive-only`: nothing is signed, and nothing must be; `permissive`: all is signed, and nothing must be. */
  readonly mode: 'enforce' | 'permissive' | 'receive-only'
}

/** `hex`: 32 to 64 bytes. A file is read, and becomes its bytes, before a configuration is run. */
export type HmacKey = { readonly id: number; readonly hex: string } | { readonly id: number; readonly file: string }
/** Room for adverts that wait to be read. */
export type ReceiveBuffer =
  | { readonly of: 'bytes'; readonly bytes: number }
  /** So many packets as long as the interface takes. */
  | { readonly of: 'packets'; readonly packets: number }

/** In place of the name of an interface: none of its own. Adverts go as routes say, and come in by any interface. */
export const ANY_INTERFACE = ''

export interface VrrpInstance extends Routing {
  readonly name: string
  /** ANY_INTERFACE is for unicast from a configured source only. */
  readonly interface: string
  /** The VRF device whose routes count, of an instance without an interface; undefined: those of the host. */
  readonly vrf: string | undefined
  readonly vrid: number
  readonly version: VrrpVersion
  /** 1–254; 255 owns the addresses (RFC 9568 §5.2.4). */
  readonly priority: number
  readonly advertInt: Millis
  readonly preempt: boolean
  readonly preemptDelay: Millis
  /** It displaces nobody before each check of this node has had its first result. */
  readonly preemptAfterChecks: boolean
  readonly election: ElectionOptions
  /** In the adverts, and on an interface while master. */
  readonly addresses: readonly VirtualAddress[]
  /** On an interface while master, but not in the adverts. */
  readonly excludedAddresses: readonly VirtualAddress[]
  /** Of the adverts, and of the addresses in them. */
  readonly family: Family
  /** Some of the addresses may be on these. Up while the instance has addresses. */
  readonly virtualLinks: readonly VirtualLink[]
  /** Where adverts leave, with its MAC address, when that is not `interface`. They are received there alone. */
  readonly transmitBy: string | undefined
  /** Source of the adverts; when undefined the interface's primary address, in IPv6 its link-local one. */
  readonly source: Address | undefined
  /** Adverts go to each of these instead of to the multicast group when there are any. */
  readonly unicastPeers: readonly UnicastPeer[]
  /** TTL, or hop limit, of the adverts to unicast peers. */
  readonly unicastTtl: number
  /** What the socket has for it at least; undefined: what all have. */
  readonly receiveBuffer: ReceiveBuffer | undefined
  /** Unicast without peers: it cannot take part. */
  readonly lacksPeers: boolean
  /** Where adverts go without unicast peers. */
  readonly multicastGroup: Address
  readonly authentication: Authentication
  /** That of the adverts sent by version 3 over IPv4; all are understood. */
  readonly checksum: AdvertChecksum
  /** Version 2 drops adverts that list other addresses (RFC 3768 §7.1), unless this is false; version 3 takes them in any case. */
  readonly checkAddresses: boolean
  /** What it hangs on besides its own interface. */
  readonly tracks: readonly Track[]
  /** Its own interface being down is a fault. */
  readonly trackPrimary: boolean
  /** A configured source must be on its own interface; else on any of the host. */
  readonly trackSource: boolean
  /** The kernel takes its addresses away when nobody has renewed them for so long; 0: never. */
  readonly lease: Millis
  /** With the first address of a subnet the kernel does not remove the others. */
  readonly promotesSecondaries: boolean
  readonly garp: Garp
}

/** Gratuitous ARPs, and unsolicited neighbour advertisements in IPv6: when, and how often for each address. */
export interface Garp {
  /** The second block follows the first after this; 0: none. */
  readonly delay: Millis
  readonly repeat: number
  /** While master, so often again; 0: not. */
  readonly refresh: Millis
  readonly refreshRepeat: number
  /** The last block after an advert of lower priority comes after this; 0: none. */
  readonly lowerDelay: Millis
  readonly lowerRepeat: number
  /** So often also on interfaces that no advert keeps known to switches: those of addresses elsewhere, or all. */
  readonly extra: { readonly every: Millis; readonly all: boolean } | undefined
}

/** The least time between two announcements, on each interface. */
export interface AnnouncementPace {
  readonly arp: Millis
  readonly advertisement: Millis
}

export interface AnnouncementPacing extends AnnouncementPace {
  /** Interfaces that share a pace of their own. */
  readonly groups: readonly (AnnouncementPace & { readonly interfaces: readonly string[] })[]
}

/** What a director has on its host whatever its roles are, as long as it runs. */
export interface StaticObjects extends Routing {
  readonly addresses: readonly VirtualAddress[]
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
export type RouterIdentity = Pick<VrrpInstance, 'name' | 'interface' | 'family' | 'vrid'>
