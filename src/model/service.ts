import { type Address, addressBits, isIpv4 } from '../net/address.ts'
import type { Millis } from '../time.ts'
import type { Checker } from './checker.ts'
import type { Endpoint } from './endpoint.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** By IPVS's names. With `none` nobody gets a new connection. */
export const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sed',
  'nq',
  'fo',
  'ovf',
  'dh',
  'sh',
  'mh',
  'lblc',
  'lblcr',
  'twos',
  'none',
] as const

export type Scheduler = (typeof SCHEDULERS)[number]

export type ForwardingMethod = Forwarding['method']

/** How packets get to a real server. */
export type Forwarding =
  | { readonly method: 'NAT' }
  /** Full NAT: the server sees an address of the director's in place of the client's. */
  | { readonly method: 'FNAT' }
  | { readonly method: 'DR' }
  | { readonly method: 'TUN'; readonly tunnel: Tunnel }

/**
 * What a packet is wrapped in; `port` is the UDP port of GUE at the real server. Remote checksum offload would only have the
 * card compute the checksum, which is there without.
 */
export type Tunnel =
  | { readonly type: 'ipip' }
  | { readonly type: 'gue'; readonly port: number; readonly checksum: boolean | 'remote' }
  | { readonly type: 'gre'; readonly checksum: boolean }

/** Local addresses that a service with full NAT may have: what the core has room for. */
export const MAX_LOCAL_ADDRESSES = 64

export interface SchedulerFlags {
  readonly port: boolean
  readonly fallback: boolean
  /** IPVS's third flag, which no scheduler uses. */
  readonly third: boolean
}

/** A client stays at the server that it got. */
export interface Persistence {
  readonly timeoutSeconds: number
  /** Length of the prefix by which clients count as one. */
  readonly clientPrefix: number
  /** Each SIP call of a client by itself, told by its Call-ID. */
  readonly engine?: 'sip' | undefined
}

/** Connections above which a server gets no new ones, and below which it gets them again; 0: none, or three quarters. */
export interface Thresholds {
  readonly upper: number
  readonly lower: number
}

/** What a virtual server is for: what is sent to an address and port, or what has a firewall mark. */
export type ServiceId = AddressService | MarkService

export interface AddressService {
  readonly by: 'address'
  readonly vip: Endpoint
  readonly protocol: Protocol
}

export interface MarkService {
  readonly by: 'fwmark'
  readonly mark: number
  readonly family: 'inet' | 'inet6'
}

/** What clients of a network may do. The entry with the longest prefix that holds a client's address decides about it. */
export interface AccessEntry {
  readonly verdict: 'allow' | 'deny'
  /** Of the network: the bits behind the prefix are 0. */
  readonly address: Address
  /** Bits that count. */
  readonly length: number
}

/** Entries of the access lists of all services together: what the core has room for. */
export const MAX_ACCESS_PREFIXES = 65_536

/** What becomes of clients that no entry of a list is about: they are denied where others were allowed by name. */
export function othersVerdict(access: readonly AccessEntry[]): AccessEntry['verdict'] {
  return access.some(({ verdict }) => verdict === 'allow') ? 'deny' : 'allow'
}

/** `10.0.0.0/8`; a host without its length. */
export function accessName({ address, length }: Pick<AccessEntry, 'address' | 'length'>): string {
  return length === addressBits(address) ? address : `${address}/${length}`
}

/** IPv4 first, then by the text: any order serves, as long as it is one. */
export function sortedAccess(entries: readonly AccessEntry[]): readonly AccessEntry[] {
  const keyed = entries.map((entry) => ({ key: `${addressBits(entry.address) / 32}${accessName(entry)}`, entry }))
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ entry }) => entry)
}

export interface VirtualServer {
  /** As people know it, see `serviceName` and `groupName`. Unique in a configuration. */
  readonly name: string
  /**
   * The services that have its servers: one, or those of a group, in the order of the file. Servers, checks, quorum and notifications
   * are the virtual server's, once for all of them.
   */
  readonly services: readonly ServiceId[]
  /** Packets that count as marked without a firewall: to these addresses and ports. Of a virtual server that is one service. */
  readonly marked: readonly AddressService[]
  readonly scheduler: Scheduler
  /** `sh` and `mh`: whether the client's port counts, and whether another server is tried when one cannot serve. */
  readonly schedulerFlags: SchedulerFlags
  readonly persistence: Persistence | undefined
  /** Every datagram is scheduled alone, and no connection is kept. */
  readonly onePacket: boolean
  /** Who may open connections: an entry a network, in an order that only the entries decide. Everybody when there is none. */
  readonly access: readonly AccessEntry[]
  /** What opens a connection passes this host's own firewall first. */
  readonly throughFirewall: boolean
  /** Of the servers that do not say another one. */
  readonly method: ForwardingMethod
  /** Full NAT: what the servers see in place of the clients; the director's own address towards a server when empty. */
  readonly localAddresses: readonly Address[]
  /** After how long an idle established connection or UDP flow ends; the common time-out when undefined. */
  readonly idleSeconds: number | undefined
  readonly quorum: number
  readonly hysteresis: number
  /** It has no quorum until its checks say so, which is no loss. */
  readonly alpha?: true
  /** It is not checked while this host has none of its addresses. */
  readonly haSuspend?: true
  /** So many per cent of its servers may fail within this time; when more do, what was is held. */
  readonly panic?: { readonly percent: number; readonly within: Millis }
  /** A server that changes so often within this time is held down until it has been good for as long. */
  readonly flapLimit?: { readonly changes: number; readonly within: Millis }
  /** A server that fails so many of its new connections within this time, and more than half of them, is held down for as long. */
  readonly observeLimit?: { readonly failures: number; readonly within: Millis }
  readonly sorryServer: SorryServer | undefined
  readonly realServers: readonly RealServer[]
}

export interface SorryServer extends Pick<RealServer, 'endpoint' | 'forwarding'> {
  /** When quorum is back it stays with weight 0, so that its connections live on. */
  readonly inhibit?: true
}

export interface RealServer {
  readonly endpoint: Endpoint
  /** The name that it has its address from. */
  readonly host?: string
  readonly forwarding: Forwarding
  readonly weight: number
  readonly thresholds: Thresholds
  /** Keep it with weight 0 while it is down, so that its connections live on. */
  readonly inhibitOnFailure: boolean
  /** Down until all of its checks say that it is up; without any it stays down. */
  readonly alpha?: true
  /** When checks have found it up again its weight grows over this time. */
  readonly slowStart?: Millis
  readonly checks: readonly Checker[]
}

/** Services that one group may have, which is what the core has room for in all. */
export const MAX_GROUP_SERVICES = 1024

/** The name of a virtual server of a group: keepalived calls it `[web]:0`, whatever its protocol. */
export const groupName = (group: string, protocol: Protocol | undefined): string =>
  protocol === undefined ? `[${group}]:0` : `[${group}]:0 ${protocol}`

export const familyOf = (id: ServiceId): 'inet' | 'inet6' =>
  id.by === 'fwmark' ? id.family : isIpv4(id.vip.address) ? 'inet' : 'inet6'

/**
 * Where a service of a virtual server has a server. Direct routing and tunnels leave the port as the client wrote it, and so does a
 * firewall mark; a server that names no port serves the one that was asked for.
 */
export function endpointIn(
  id: ServiceId,
  { endpoint, forwarding }: Pick<RealServer, 'endpoint' | 'forwarding'>,
): Endpoint {
  const port = id.by === 'address' ? id.vip.port : 0
  if (port === endpoint.port) return endpoint
  const keeps = forwarding.method === 'DR' || forwarding.method === 'TUN' || id.by === 'fwmark'
  return endpoint.port === 0 || (keeps && (port !== 0 || id.by === 'fwmark')) ? { ...endpoint, port } : endpoint
}

/** `[172.18.100.6]:tcp:80` or `FWM 10`, as keepalived names a virtual server. Unique in a configuration. */
export function serviceName(id: ServiceId): string {
  switch (id.by) {
    case 'address':
      return `[${id.vip.address}]:${id.protocol.toLowerCase()}:${id.vip.port}`
    case 'fwmark':
      return `FWM ${id.mark}${id.family === 'inet6' ? ' IPv6' : ''}`
  }
}
