import { type Address, addressBits } from '../net/address.ts'
import type { Check } from './check.ts'
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
  readonly id: ServiceId
  /** Packets that count as marked without a firewall: to these addresses and ports. */
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
  readonly sorryServer: Pick<RealServer, 'endpoint' | 'forwarding'> | undefined
  readonly realServers: readonly RealServer[]
}

export interface RealServer {
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  readonly weight: number
  readonly thresholds: Thresholds
  /** Keep it with weight 0 while it is down, so that its connections live on. */
  readonly inhibitOnFailure: boolean
  readonly checks: readonly Check[]
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
