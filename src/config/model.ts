import { type Address, addressBits } from '../net/address.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'

/** A whole configuration: what a file means, with every default filled in. Plain data, sent between processes as JSON. */
export interface Config {
  readonly routerId: string | undefined
  readonly instances: readonly VrrpInstance[]
  readonly syncGroups: readonly SyncGroup[]
  readonly virtualServers: readonly VirtualServer[]
  /** IPVS's sysctls of these names. */
  readonly switches: { readonly expireNodestConn: boolean; readonly expireQuiescentTemplate: boolean }
  /** Interfaces by name: those that the core sees packets of (all when there are none), and those with XDP. */
  readonly attachment: { readonly only: readonly string[]; readonly xdp: readonly string[] }
  /** What the file says for protection and this version does not do; none when all of it runs. */
  readonly notRunning: readonly NotRunning[]
}

/** A feature without which somebody else is master, serves, speaks or is told than the file says. */
export interface NotRunning {
  /** As an operator would name it: `track_script`. */
  readonly feature: string
  /** How many times the file asks for it. */
  readonly uses: number
  /** `file:line:column` of the first ones; at least one. */
  readonly places: readonly string[]
  /** What is so without it. */
  readonly why: string
}

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
  readonly garp: {
    /** The second block of gratuitous ARPs follows the first after this; 0: none. */
    readonly delay: Millis
    readonly repeat: number
  }
}

export interface SyncGroup {
  readonly name: string
  readonly instances: readonly string[]
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP'
/** IPVS's names. */
export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'sed'
  | 'nq'
  | 'fo'
  | 'ovf'
  | 'dh'
  | 'sh'
  | 'mh'
  | 'lblc'
  | 'lblcr'
  | 'twos'
  /** Nobody gets a new connection. */
  | 'none'
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

export interface Endpoint {
  readonly address: Address
  /** 0: every port of a virtual server, and for its real servers the same port as asked for. */
  readonly port: number
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

/** What every checker has. */
export interface CheckSchedule {
  readonly target: Endpoint
  /** Between the end of one round and the start of the next. */
  readonly delayLoop: Millis
  /** For the whole probe, from connect to the last byte that is read. */
  readonly timeout: Millis
  readonly retry: number
  readonly delayBeforeRetry: Millis
  /** The first round starts within this, at random. */
  readonly warmup: Millis
}

export interface HttpUrl {
  readonly path: string
  /** Inclusive ranges; 200–299 when the file names none. */
  readonly statusCodes: readonly (readonly [low: number, high: number])[]
  /** MD5 of the body in hexadecimal. */
  readonly digest: string | undefined
  readonly virtualhost: string | undefined
}

/** What a datagram must be to count as an answer. */
export interface UdpReply {
  /** Bytes in hexadecimal that it must begin with, X for half a byte of any value; a shorter one must be their beginning. Undefined: any. */
  readonly pattern: string | undefined
  readonly minLength: number
  readonly maxLength: number
}

export type Check =
  | (CheckSchedule & { readonly type: 'PING_CHECK' })
  | (CheckSchedule & { readonly type: 'TCP_CHECK' })
  | (CheckSchedule & {
      readonly type: 'UDP_CHECK'
      /** In hexadecimal. */
      readonly payload: string
      /** Undefined: silence is good, too. */
      readonly reply: UdpReply | undefined
    })
  | (CheckSchedule & { readonly type: 'HTTP_GET'; readonly urls: readonly HttpUrl[] })

/** `[192.168.10.11]:80`, as keepalived's log names an endpoint. */
export function endpointName(endpoint: Endpoint): string {
  return `[${endpoint.address}]:${endpoint.port}`
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
