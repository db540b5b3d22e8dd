import { addressBytes, isIpv4 } from '../net/address.ts'
import type { Metric, NextHop, Route, RouteType } from '../net/route.ts'
import { tunnelAttributes } from './lwtunnel-message.ts'
import { type Attribute, encodeAttributes } from './netlink-message.ts'
import { AF_INET, AF_INET6 } from './socket.ts'

/** The number of an interface of this name, or undefined. */
export type IndexOf = (device: string) => number | undefined

/** What follows the header of a message of netlink. */
export interface MessageBody {
  readonly fixed: Uint8Array
  readonly attributes: readonly Attribute[]
}

const TYPES: Readonly<Record<RouteType, number>> = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
}

/** Attributes of a route (rtnetlink.h). */
export const RTA = {
  dst: 1,
  src: 2,
  oif: 4,
  gateway: 5,
  priority: 6,
  prefsrc: 7,
  metrics: 8,
  multipath: 9,
  flow: 11,
  table: 15,
  via: 18,
  pref: 20,
  expires: 23,
} as const

/** Numbers of RTAX_*; that of the locks is 1. */
const METRIC: Readonly<Record<Metric | 'congestionControl', number>> = {
  mtuBytes: 2,
  windowBytes: 3,
  rttEighthsOfMs: 4,
  rttvarQuartersOfMs: 5,
  ssthresh: 6,
  cwnd: 7,
  advmssBytes: 8,
  reordering: 9,
  hoplimit: 10,
  initcwnd: 11,
  features: 12,
  rtoMinMs: 13,
  initrwnd: 14,
  quickack: 15,
  congestionControl: 16,
  fastopenNoCookie: 17,
}
const RTAX_LOCK = 1
const PREFERENCE = { medium: 0, high: 1, low: 3 } as const
const RTNH_F_ONLINK = 4
/** Of a deletion: whatever the scope is. */
const RT_SCOPE_NOWHERE = 255
const RT_TABLE_COMPAT = 252

/** What RTM_NEWROUTE takes. `undefined`: an interface that it names is not there. */
export function newRoute(route: Route, indexOf: IndexOf): MessageBody | undefined {
  const ways = waysOf(route, indexOf)
  if (ways === undefined) return undefined
  const { source, realms, preference, expiresAfterSeconds: expires } = route
  return {
    fixed: rtmsg(route, route.scope, onlyHop(route)?.onlink === true ? RTNH_F_ONLINK : 0),
    attributes: [
      ...identity(route),
      ...(source === undefined ? [] : [[RTA.prefsrc, addressBytes(source)] as const]),
      ...ways,
      ...metricsOf(route),
      ...(realms === undefined ? [] : [[RTA.flow, u32(realms)] as const]),
      ...(preference === undefined ? [] : [[RTA.pref, Uint8Array.of(PREFERENCE[preference])] as const]),
      ...(expires === undefined ? [] : [[RTA.expires, u32(expires)] as const]),
    ],
  }
}

/** What RTM_DELROUTE takes, so that it removes this one of several to the same destination; undefined as above. */
export function oldRoute(route: Route, indexOf: IndexOf): MessageBody | undefined {
  const ways = waysOf({ ...route, hops: route.hops.map((hop) => ({ ...hop, encap: undefined })) }, indexOf)
  return ways && { fixed: rtmsg(route, RT_SCOPE_NOWHERE, 0), attributes: [...identity(route), ...ways] }
}

/** What the kernel says of this route, and of each of its next hops; undefined as above. */
export function marksOf(
  route: Route,
  indexOf: IndexOf,
): (MessageBody & { readonly hops: readonly (readonly Attribute[])[] }) | undefined {
  const hops = route.hops.map((hop) => wayOf({ ...hop, encap: undefined }, route, indexOf))
  if (hops.includes(undefined)) return undefined
  return {
    fixed: rtmsg(route, RT_SCOPE_NOWHERE, 0),
    attributes: identity(route),
    hops: hops.map((hop) => hop ?? []),
  }
}

const onlyHop = ({ hops }: Route): NextHop | undefined => (hops.length === 1 ? hops[0] : undefined)

/** struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type, flags. */
function rtmsg({ family, to, from, tos, table, protocol, type }: Route, scope: number, flags: number): Uint8Array {
  const fixed = new Uint8Array(12)
  fixed.set([family === 4 ? AF_INET : AF_INET6, to.length, from?.length ?? 0, tos])
  fixed.set([table < 256 ? table : RT_TABLE_COMPAT, protocol, scope, TYPES[type]], 4)
  new DataView(fixed.buffer).setUint32(8, flags, true)
  return fixed
}

function identity({ to, from, table, metric }: Route): readonly Attribute[] {
  return [
    ...(to.length === 0 ? [] : [[RTA.dst, addressBytes(to.address)] as const]),
    ...(from === undefined || from.length === 0 ? [] : [[RTA.src, addressBytes(from.address)] as const]),
    [RTA.table, u32(table)],
    ...(metric === undefined ? [] : [[RTA.priority, u32(metric)] as const]),
  ]
}

function waysOf(route: Route, indexOf: IndexOf): readonly Attribute[] | undefined {
  const hop = onlyHop(route)
  if (hop !== undefined) return wayOf(hop, route, indexOf)
  if (route.hops.length === 0) return []
  const parts = route.hops.map((each) => multipathPart(each, route, indexOf))
  return parts.includes(undefined) ? undefined : [[RTA.multipath, Buffer.concat(parts.flatMap((part) => part ?? []))]]
}

function wayOf(hop: NextHop, route: Route, indexOf: IndexOf): readonly Attribute[] | undefined {
  const { device } = hop
  const index = device === undefined ? undefined : indexOf(device)
  if (device !== undefined && index === undefined) return undefined
  return [...gatewayOf(hop, route), ...(index === undefined ? [] : [[RTA.oif, u32(index)] as const]), ...headers(hop)]
}

const headers = ({ encap }: NextHop) => (encap === undefined ? [] : tunnelAttributes(encap))

/** A next hop of the other family is told with its family (RTA_VIA). */
function gatewayOf({ via }: NextHop, { family }: Route): readonly Attribute[] {
  if (via === undefined) return []
  const bytes = addressBytes(via)
  if (isIpv4(via) === (family === 4)) return [[RTA.gateway, bytes]]
  return [[RTA.via, Uint8Array.of(isIpv4(via) ? AF_INET : AF_INET6, 0, ...bytes)]]
}

/** struct rtnexthop: length, flags, weight less one, interface; then attributes. */
function multipathPart(hop: NextHop, route: Route, indexOf: IndexOf): Uint8Array | undefined {
  const { device, weight, onlink, realms } = hop
  const index = device === undefined ? 0 : indexOf(device)
  if (index === undefined) return undefined
  const tail = encodeAttributes([
    ...gatewayOf(hop, route),
    ...headers(hop),
    ...(realms === undefined ? [] : [[RTA.flow, u32(realms)] as const]),
  ])
  const bytes = new Uint8Array(8 + tail.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, bytes.length, true)
  view.setUint8(2, onlink ? RTNH_F_ONLINK : 0)
  view.setUint8(3, weight - 1)
  view.setInt32(4, index, true)
  bytes.set(tail, 8)
  return bytes
}

function metricsOf({ metrics, locked, congestionControl }: Route): readonly Attribute[] {
  const said = Object.entries(metrics).map(([name, value]) => [METRIC[name as Metric], u32(value)] as const)
  const lock = locked.reduce((bits, name) => bits | (1 << METRIC[name]), 0)
  const all = [
    ...(lock === 0 ? [] : [[RTAX_LOCK, u32(lock)] as const]),
    ...said,
    ...(congestionControl === undefined ? [] : [[METRIC.congestionControl, Buffer.from(congestionControl)] as const]),
  ]
  return all.length === 0 ? [] : [[RTA.metrics, encodeAttributes(all)]]
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}
