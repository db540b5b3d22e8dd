import type { Address } from './address.ts'
import type { Prefix } from './address-range.ts'

/** Routes and routing rules as the kernel has them (rtnetlink(7)). What becomes of packets that a route matches: */
export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'

/** A header that packets of a route get around them (lightweight tunnel). */
export type Encap =
  /** Labels from the outermost to the innermost. */
  | { readonly type: 'mpls'; readonly labels: readonly number[] }
  | {
      readonly type: 'ip' | 'ip6'
      readonly id: number
      readonly to: Address | undefined
      readonly from: Address | undefined
      readonly tos: number
      /** TTL or hop limit; 0: that of the packet's own way. */
      readonly ttl: number
      readonly flags: number
    }
  /** The upper 64 bits of the destination, as 16 hexadecimal digits. */
  | { readonly type: 'ila'; readonly locator: string }

export interface NextHop {
  /** Undefined: the destination is on the link. May be of the other family (RFC 8950). */
  readonly via: Address | undefined
  /** Undefined: the kernel finds the interface by the next hop. */
  readonly device: string | undefined
  /** 1–256. */
  readonly weight: number
  readonly onlink: boolean
  /** The realm that packets come from in the upper 16 bits, the one that they go to in the lower ones. */
  readonly realms: number | undefined
  readonly encap: Encap | undefined
}

/** What TCP and the path look like on a route; numbers as the kernel takes them. */
export const METRICS = [
  'mtuBytes',
  'windowBytes',
  'rttEighthsOfMs',
  'rttvarQuartersOfMs',
  'ssthresh',
  'cwnd',
  'advmssBytes',
  'reordering',
  'hoplimit',
  'initcwnd',
  'features',
  'rtoMinMs',
  'initrwnd',
  'quickack',
  'fastopenNoCookie',
] as const
export type Metric = (typeof METRICS)[number]

export interface Route {
  readonly family: 4 | 6
  readonly type: RouteType
  readonly to: Prefix
  /** Source prefix of the packets (IPv6). */
  readonly from: Prefix | undefined
  readonly table: number
  /** The route goes into the table of this VRF instead. */
  readonly vrf: string | undefined
  readonly tos: number
  readonly scope: number
  /** Who has made it: 18, keepalived's, unless the file says so and the route is not tracked. */
  readonly protocol: number
  /** The lowest is preferred; the kernel's own when undefined. */
  readonly metric: number | undefined
  /** The address that this host sends from. */
  readonly source: Address | undefined
  /** None of what is not sent anywhere. */
  readonly hops: readonly NextHop[]
  readonly realms: number | undefined
  readonly preference: 'low' | 'medium' | 'high' | undefined
  /** The kernel removes it after this (IPv6). */
  readonly expiresAfterSeconds: number | undefined
  readonly metrics: { readonly [M in Metric]?: number }
  readonly congestionControl: string | undefined
  /** Those that path MTU discovery and TCP leave as they are. */
  readonly locked: readonly (Metric | 'congestionControl')[]
  /** Before or behind routes to the same destination; `alone`: not at all when there is one. */
  readonly position: 'first' | 'last' | 'alone'
  /** Put back when somebody else removes it. */
  readonly tracked: boolean
}

/** Numbers from the first to the last. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** What the kernel does with packets that a rule matches. */
export type RuleAction =
  | { readonly type: 'table'; readonly table: number }
  | { readonly type: 'goto'; readonly preference: number }
  /** The table of the VRF that the packet is in. */
  | { readonly type: 'l3mdev' }
  | { readonly type: 'nop' | 'blackhole' | 'unreachable' | 'prohibit' }

export interface Rule {
  readonly family: 4 | 6
  /** The lowest is looked at first. */
  readonly preference: number
  /** Matches what it would not, and the other way round. */
  readonly inverted: boolean
  readonly from: Prefix | undefined
  readonly to: Prefix | undefined
  readonly tos: number
  readonly mark: { readonly value: number; readonly mask: number | undefined } | undefined
  readonly incoming: string | undefined
  readonly outgoing: string | undefined
  readonly tunnelId: number | undefined
  readonly users: Span | undefined
  readonly ipProtocol: number | undefined
  readonly sourcePorts: Span | undefined
  readonly destinationPorts: Span | undefined
  readonly action: RuleAction
  readonly realms: number | undefined
  /** Routes with a prefix of this length or less do not count. */
  readonly suppressPrefixLength: number | undefined
  /** Routes through interfaces of this group do not count. */
  readonly suppressGroup: number | undefined
  /** 18, keepalived's; 0 of one that is not tracked, unless the file says another one. */
  readonly protocol: number
  readonly tracked: boolean
}

/** Routes and rules that come and go together. */
export interface Routing {
  readonly routes: readonly Route[]
  readonly rules: readonly Rule[]
}

/** A route or a rule. */
export type RoutingItem =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'rule'; readonly rule: Rule }

/** Routes come before the rules that lead to them. */
export function itemsOf({ routes, rules }: Routing): readonly RoutingItem[] {
  return [
    ...routes.map((route) => ({ kind: 'route', route }) as const),
    ...rules.map((rule) => ({ kind: 'rule', rule }) as const),
  ]
}

/** RTPROT_KEEPALIVED of the kernel's rtnetlink.h. */
export const KEEPALIVED_PROTOCOL = 18
