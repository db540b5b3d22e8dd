import { type Address, addressBits, isIpv4 } from '../../net/address.ts'
import { networkOf, type Prefix } from '../../net/address-range.ts'
import {
  type Encap,
  KEEPALIVED_PROTOCOL,
  type Metric,
  type NextHop,
  type Route,
  type RouteType,
} from '../../net/route.ts'
import type { Encapsulation } from '../keywords/encap.ts'
import type { Lockable, NextHopLine, StaticRouteLine } from '../keywords/route-line.ts'
import type { Making } from './making.ts'
import type { NumberOf } from './routing-names.ts'

/** The route of a line, as far as it can be made; what is wrong with it, `making` is told. */
export function routeOf(line: StaticRouteLine, numberOf: NumberOf, making: Making): Route {
  const { options } = line
  const family = familyOf(line, making)
  const type = typeOf(line.type, making)
  const hops = hopsOf(line, family, type, numberOf, making)
  const tracked = options.no_track !== true && options.expires === undefined
  const expires = options.expires
  for (const name of family === 4 ? (['from', 'expires', 'pref'] as const) : (['tos', 'realms'] as const)) {
    if (options[name] !== undefined) making.remark(`\`${name}\` has no effect on a route of IPv${family}`)
  }
  return {
    family,
    type,
    to: destinationOf(line, family, making),
    from: family === 6 ? options.from && networkOf(options.from) : undefined,
    table: making.number(numberOf, 'table', options.table) ?? MAIN_TABLE,
    vrf: options.vrf,
    tos: family === 4 ? (making.number(numberOf, 'tos', options.tos) ?? 0) : 0,
    scope: family === 6 ? 0 : (making.number(numberOf, 'scope', options.scope) ?? SCOPES[type] ?? 0),
    protocol: protocolOf(options.protocol, tracked, KEEPALIVED_PROTOCOL, numberOf, making),
    metric: options.metric === 0 ? undefined : options.metric,
    source: ofFamily('src', options.src, family, making),
    hops,
    realms: family === 4 ? realmsOf(options.realms, numberOf, making) : undefined,
    preference: family === 6 ? options.pref : undefined,
    expiresAfterSeconds: family === 6 ? expires : undefined,
    metrics: metricsOf(options, making),
    congestionControl: options.congctl?.value,
    locked: lockedOf(options),
    position: options.add === true ? 'alone' : options.append === true ? 'last' : 'first',
    tracked,
  }
}

const MAIN_TABLE = 254
/** What the kernel asks for; routes of other types are for everybody, as keepalived makes them. */
const SCOPES: Readonly<Partial<Record<RouteType, number>>> = { local: 254, broadcast: 253, anycast: 253 }
const TYPES: readonly RouteType[] = [
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
]
const SENT_NOWHERE: ReadonlySet<RouteType> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw'])
/** Least round-trip times of TCP (TCP_RTO_MIN), as keepalived has it. */
const LEAST_MS = 200

function typeOf(text: string, making: Making): RouteType {
  const type = TYPES.find((each) => each === text)
  if (type === undefined) making.wrong(`the kernel has no routes of type \`${text}\` any more`)
  return type ?? 'unicast'
}

function familyOf({ to, options }: StaticRouteLine, making: Making): 4 | 6 {
  const said = options.inet6 === true ? 6 : options.inet === true ? 4 : undefined
  const prefix = to === undefined || to === 'default' ? undefined : to.address
  // A next hop of IPv4 cannot be meant otherwise; one of IPv6 may be that of a route of IPv4.
  const others = [options.src, options.via, options.from?.address, ...(options.nexthop ?? []).map(({ via }) => via)]
  const address = prefix ?? others.find((each) => each !== undefined)
  const found = address === undefined ? undefined : isIpv4(address) ? 4 : 6
  if (said !== undefined && prefix !== undefined && said !== found) {
    making.wrong(`\`${said === 4 ? 'inet' : 'inet6'}\`, and the destination is one of IPv${found}`)
  }
  if (to === undefined) making.wrong('a route needs a destination: a prefix, or `default`')
  return said ?? found ?? 4
}

function destinationOf({ to }: StaticRouteLine, family: 4 | 6, making: Making): Prefix {
  if (to === undefined || to === 'default') return { address: (family === 4 ? '0.0.0.0' : '::') as Address, length: 0 }
  const network = networkOf(to)
  if (family === 4 && network.address !== to.address) {
    making.wrong(
      `${to.address}/${to.length} is no network: it has bits set behind its length`,
      `${network.address}/${to.length}`,
    )
  }
  return network
}

function hopsOf(
  { options }: StaticRouteLine,
  family: 4 | 6,
  type: RouteType,
  numberOf: NumberOf,
  making: Making,
): readonly NextHop[] {
  const { via, or, dev, nexthop, onlink, encap } = options
  if (SENT_NOWHERE.has(type)) {
    const said = [via, or, dev, nexthop, encap].some((each) => each !== undefined)
    const message = `packets of a route of type \`${type}\` are sent nowhere: \`via\`, \`dev\`, \`nexthop\` and \`encap\``
    if (said && family === 4) making.wrong(`${message} cannot stand there`)
    else if (said) making.remark(`${message} have no effect`)
    return []
  }
  const both = [via, or].filter((each) => each !== undefined)
  const first = both.length === 0 ? [{}] : both.map((each) => ({ via: each }))
  if (nexthop !== undefined && (via !== undefined || dev !== undefined || encap !== undefined)) {
    making.wrong('`nexthop` has its own `via`, `dev` and `encap`: they cannot stand before it as well')
  }
  const lines: readonly NextHopLine[] =
    nexthop ??
    first.map((each) => ({
      ...each,
      ...(dev === undefined ? {} : { dev }),
      ...(onlink === undefined ? {} : { onlink }),
      ...(encap === undefined ? {} : { encap }),
    }))
  const hops = lines.map((line) => hopOf(line, family, numberOf, making))
  if (hops.some((hop) => hop.via === undefined && hop.device === undefined)) {
    making.wrong(nexthop === undefined ? 'a route needs `via`, `dev` or `nexthop`' : 'a next hop needs `via` or `dev`')
  }
  if (hops.some((hop) => hop.onlink && hop.device === undefined)) making.wrong('`onlink` needs `dev`')
  return hops
}

function hopOf(line: NextHopLine, family: 4 | 6, numberOf: NumberOf, making: Making): NextHop {
  const { via, dev, weight, onlink, realms, encap } = line
  if (family === 6 && via !== undefined && isIpv4(via))
    making.wrong(`the next hop ${via} of a route of IPv6 is one of IPv4`)
  return {
    via,
    device: dev,
    weight: weight ?? 1,
    onlink: onlink === true,
    realms: realmsOf(realms, numberOf, making),
    encap: encap === undefined ? undefined : encapOf(encap, making),
  }
}

function encapOf(line: Encapsulation, making: Making): Encap {
  switch (line.type) {
    case 'mpls':
      return line
    case 'ila':
      return {
        type: 'ila',
        locator: line.locator
          .split(':')
          .map((part) => part.padStart(4, '0'))
          .join(''),
      }
    case 'ip':
    case 'ip6': {
      const family = line.type === 'ip' ? 4 : 6
      return {
        type: line.type,
        id: line.id ?? 0,
        to: ofFamily('dst', line.dst, family, making),
        from: ofFamily('src', line.src, family, making),
        tos: line.tos ?? line.tc ?? 0,
        ttl: line.ttl ?? line.hoplimit ?? 0,
        flags: line.flags ?? 0,
      }
    }
  }
}

function ofFamily(name: string, address: Address | undefined, family: 4 | 6, making: Making): Address | undefined {
  if (address !== undefined && addressBits(address) !== (family === 4 ? 32 : 128)) {
    making.wrong(`\`${name}\` ${address} is no address of IPv${family}`)
  }
  return address
}

/** `[FROM/]TO`, the first one in the upper half (RTA_FLOW). */
export function realmsOf(text: string | undefined, numberOf: NumberOf, making: Making): number | undefined {
  if (text === undefined) return undefined
  const [to = 0, from = 0] = text
    .split('/')
    .toReversed()
    .map((part) => making.number(numberOf, 'realm', part) ?? 0)
  return from * 0x1_0000 + to
}

/** What is tracked is keepalived's, by which its loss is noticed; of the rest the file decides. */
export function protocolOf(
  text: string | undefined,
  tracked: boolean,
  untold: number,
  numberOf: NumberOf,
  making: Making,
): number {
  const said = making.number(numberOf, 'protocol', text)
  if (!tracked) return said ?? untold
  if (said !== undefined && said !== KEEPALIVED_PROTOCOL) {
    making.remark('`protocol` has no effect on what is tracked, as in keepalived: add `no_track` if it is meant')
  }
  return KEEPALIVED_PROTOCOL
}

type Options = StaticRouteLine['options']

function metricsOf(options: Options, making: Making): Route['metrics'] {
  const values: Readonly<Record<Metric, number | undefined>> = {
    mtuBytes: options.mtu?.value,
    windowBytes: options.window,
    rttEighthsOfMs: timeOf('rtt', options.rtt, 8, making),
    rttvarQuartersOfMs: timeOf('rttvar', options.rttvar, 4, making),
    ssthresh: options.ssthresh?.value,
    cwnd: options.cwnd?.value,
    advmssBytes: options.advmss?.value,
    reordering: options.reordering?.value,
    hoplimit: options.hoplimit,
    initcwnd: options.initcwnd,
    features: options.features === undefined ? undefined : 1,
    rtoMinMs: timeOf('rto_min', options.rto_min, 1, making),
    initrwnd: options.initrwnd,
    quickack: truth(options.quickack),
    fastopenNoCookie: truth(options.fastopen_no_cookie),
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

const truth = (value: boolean | undefined) => (value === undefined ? undefined : Number(value))

/** In the kernel's unit, of which `perMs` are a millisecond; at least 200 ms. */
function timeOf(name: string, line: Lockable<string> | undefined, perMs: number, making: Making): number | undefined {
  if (line === undefined) return undefined
  const number = Number.parseFloat(line.value)
  const value = line.value.endsWith('ms') ? number * perMs : line.value.endsWith('s') ? number * 1000 * perMs : number
  const least = LEAST_MS * perMs
  if (value < least) making.remark(`\`${name}\` is ${LEAST_MS} ms, the least that TCP waits`)
  return Math.round(Math.max(least, value))
}

function lockedOf(options: Options): Route['locked'] {
  const lines: readonly (readonly [Route['locked'][number], { readonly lock: boolean } | undefined])[] = [
    ['mtuBytes', options.mtu],
    ['rttEighthsOfMs', options.rtt],
    ['rttvarQuartersOfMs', options.rttvar],
    ['ssthresh', options.ssthresh],
    ['cwnd', options.cwnd],
    ['advmssBytes', options.advmss],
    ['reordering', options.reordering],
    ['rtoMinMs', options.rto_min],
    ['congestionControl', options.congctl],
  ]
  return lines.flatMap(([name, line]) => (line?.lock === true ? [name] : []))
}
