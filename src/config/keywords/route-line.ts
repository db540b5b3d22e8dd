import type { Address } from '../../net/address.ts'
import {
  anotherNameOf,
  invalid,
  mark,
  one,
  option,
  type OptionSpec,
  options,
  type OptionValues,
  type Syntax,
  withoutEffect,
} from '../schema/syntax.ts'
import { anyAddress, choice, integer, interfaceName, parsePrefix, prefix, printPrefix, word } from '../schema/values.ts'
import type { Prefix } from '../../net/address-range.ts'
import { scope } from './address-line.ts'
import { encapsulation } from './encap.ts'
import { LABEL_ROUTES } from './reasons.ts'

const U32 = 2 ** 32 - 1
const number = integer(0, U32)

/** A value that may be locked against what path MTU discovery and TCP find out. */
export interface Lockable<T> {
  readonly lock: boolean
  readonly value: T
}

function lockable<T>(syntax: Syntax<T>): Syntax<Lockable<T>> {
  return {
    text: `[lock] ${syntax.text}`,
    parse(words) {
      const lock = words.peek()?.text === 'lock'
      if (lock) words.take()
      const value = syntax.parse(words)
      return value === invalid ? invalid : { lock, value }
    },
    print: ({ lock, value }) => `${lock ? 'lock ' : ''}${syntax.print(value)}`,
  }
}

const lockableNumber = lockable(number)

/** Milliseconds, or without a unit the number that the kernel takes, as `ip route` reads it. */
const duration = lockable(
  one({
    text: '<number>[ms|s]',
    expected: 'a time: a number with `ms` or `s`',
    read: (text) => (/^\d{1,9}(\.\d{1,3})?(ms|s)?$/.test(text) ? text : undefined),
  }),
)

/** `[inet|inet6] ADDRESS` */
const gateway: Syntax<Address> = {
  ...anyAddress,
  text: '[inet|inet6] <address>',
  parse(words) {
    if (/^inet6?$/.test(words.peek()?.text ?? '')) words.take()
    return anyAddress.parse(words)
  },
}

/** `[to] LABELS` */
const newDestination: Syntax<string> = {
  ...word('[to] <labels>'),
  parse(words) {
    if (words.peek()?.text === 'to') words.take()
    return word('<labels>').parse(words)
  },
}

export const tableName = word('<table>')
export const realms = one({
  text: '[<from>/]<to>',
  expected: 'a realm, or two with / between',
  read: (text) => (/^\w+(\/\w+)?$/.test(text) ? text : undefined),
})
export const typeOfService = word('<tos>')

const via = option(gateway, 'Next hop.')
const dev = option(interfaceName, 'Output interface.')
const metric = option(number, 'Metric; the lowest is preferred.')
const tos = option(typeOfService, 'Type of service of the packets.')

const hopOptions = {
  via,
  dev,
  weight: option(integer(1, 256), 'Weight of this next hop.'),
  onlink: mark('Treats the next hop as directly reachable.'),
  realms: option(realms, 'Realm of the next hop.'),
  as: withoutEffect(LABEL_ROUTES, option(newDestination, 'New destination (MPLS).')),
  encap: option(encapsulation, 'Encapsulation.'),
} as const

/** One of several next hops. */
export type NextHopLine = OptionValues<typeof hopOptions>
const nextHops = options(hopOptions)

const many: OptionSpec<readonly NextHopLine[]> = option(
  {
    text: 'via <address> [dev <interface>] [weight <1-256>] …',
    parse(words) {
      const hops: NextHopLine[] = []
      for (let more = true; more; more = words.peek()?.text === 'nexthop' && words.take() !== undefined) {
        const hop = nextHops.parse(words)
        if (hop === invalid) return invalid
        hops.push(hop)
      }
      return hops
    },
    print: (hops) => hops.map((hop) => nextHops.print(hop)).join(' nexthop '),
  },
  'One of several next hops.',
)

/** Options of a route line. */
const routeOptions = {
  src: option(anyAddress, 'Source address of packets that this host sends.'),
  via,
  gw: { ...anotherNameOf('via', via), deprecatedFor: 'via' },
  or: { ...option(anyAddress, 'Second next hop.'), deprecatedFor: 'nexthop' },
  dev,
  oif: anotherNameOf('dev', dev),
  table: option(tableName, 'Routing table, by number or name.'),
  scope: option(scope, 'Scope of the route.'),
  metric,
  priority: anotherNameOf('metric', metric),
  preference: anotherNameOf('metric', metric),
  protocol: option(word('<protocol>'), 'Routing protocol identifier of the route.'),
  inet: mark('The route is an IPv4 one.'),
  inet6: mark('The route is an IPv6 one.'),
  as: withoutEffect(LABEL_ROUTES, option(newDestination, 'New destination (MPLS).')),
  from: option(prefix, 'Source prefix of the packets (IPv6).'),
  tos,
  dsfield: anotherNameOf('tos', tos),
  onlink: mark('Treats the next hop as directly reachable.'),
  expires: option(number, 'Lifetime, in seconds (IPv6).'),
  mtu: option(lockableNumber, 'Path MTU, in bytes.'),
  hoplimit: option(integer(0, 255), 'Hop limit of packets.'),
  advmss: option(lockableNumber, 'MSS that is advertised.'),
  rtt: option(duration, 'Initial estimate of the round-trip time.'),
  rttvar: option(duration, 'Initial estimate of the variance of the round-trip time.'),
  reordering: option(lockableNumber, 'Reordering that is expected, in packets.'),
  window: option(number, 'Largest TCP window that is advertised.'),
  cwnd: option(lockableNumber, 'Limit of the congestion window.'),
  ssthresh: option(lockableNumber, 'Slow start threshold.'),
  realms: option(realms, 'Realm of the route.'),
  rto_min: option(duration, 'Minimum retransmission time-out of TCP.'),
  initcwnd: option(number, 'Initial congestion window, in segments.'),
  initrwnd: option(number, 'Initial receive window, in segments.'),
  features: option(choice('ecn'), 'Features of TCP.'),
  quickack: option(truth01(), 'Sends TCP acknowledgements without delay.'),
  congctl: option(lockable(word('<name>')), 'Congestion control algorithm.'),
  pref: option(choice('low', 'medium', 'high'), 'Preference (IPv6).'),
  'ttl-propagate': withoutEffect(LABEL_ROUTES, option(choice('enabled', 'disabled'), 'Copies the TTL (MPLS).')),
  fastopen_no_cookie: option(truth01(), 'TCP fast open without cookie.'),
  add: mark('Fails if the route exists.'),
  prepend: mark('Adds the route before existing ones like it (the default).'),
  append: mark('Adds the route after existing ones like it.'),
  no_track: mark('Does not track whether the route is there.'),
  vrf: option(word('<vrf>'), 'Adds the route to the table of this VRF.'),
} as const

/** Last, because the words behind `nexthop` are its own. */
const lastOptions = { encap: option(encapsulation, 'Encapsulation.'), nexthop: many } as const
const virtualRouteOptions = { ...routeOptions, ...lastOptions } as const

/** A line of static_routes, or, without `track_group`, of virtual_routes. */
export type StaticRouteLine = RouteHead & { readonly options: OptionValues<typeof staticRouteOptions> }

const staticRouteOptions = {
  ...routeOptions,
  track_group: option(word('<track_group>'), 'Track group of instances that depend on it.'),
  ...lastOptions,
} as const

function truth01(): Syntax<boolean> {
  return one({
    text: '0|1|on|off',
    expected: '0, 1, on or off',
    read: (text) => (/^(1|on|true|yes)$/.test(text) ? true : /^(0|off|false|no)$/.test(text) ? false : undefined),
    print: (value) => (value ? '1' : '0'),
  })
}

const TYPES = 'unicast|local|broadcast|anycast|multicast|throw|unreachable|prohibit|blackhole|nat'

/** A destination: a prefix, or `default` for all of them. */
interface RouteHead {
  /** Kind of route; `unicast` unless said. */
  readonly type: string
  readonly to: Prefix | 'default' | undefined
}

function routeLine<T extends object>(tail: Syntax<T>): Syntax<RouteHead & { readonly options: T }> {
  return {
    text: `[${TYPES}] [to] <prefix>|default ${tail.text}`,
    ...(tail.options === undefined ? {} : { options: tail.options }),
    parse(words) {
      let type = 'unicast'
      let to: RouteHead['to']
      let parts = {} as T
      for (let word = words.peek(); word !== undefined; word = words.peek()) {
        if (new RegExp(`^(${TYPES})$`).test(word.text)) {
          type = word.text
          words.take()
        } else if (to === undefined && (word.text === 'to' || !Object.hasOwn(tail.options ?? {}, word.text))) {
          if (word.text === 'to') words.take()
          const destination = readDestination(words)
          if (destination === invalid) return invalid
          to = destination
        } else {
          const before = word
          const more = tail.parse(words)
          if (more === invalid) return invalid
          if (words.peek() === before) return words.bad(before, 'an option of a route')
          parts = { ...parts, ...more }
        }
      }
      return { type, to, options: parts }
    },
    print: ({ type, to, options: parts }) =>
      [
        type === 'unicast' ? '' : type,
        to === undefined ? '' : to === 'default' ? 'default' : printPrefix(to),
        tail.print(parts),
      ]
        .filter(Boolean)
        .join(' '),
  }
}

function readDestination(words: Parameters<Syntax<unknown>['parse']>[0]): RouteHead['to'] | typeof invalid {
  const word = words.need('a destination')
  if (word === undefined) return invalid
  if (/^(default6?|any|all)$/.test(word.text)) return 'default'
  return parsePrefix(word.text) ?? words.bad(word, 'a prefix, `default`, or an option of a route')
}

export const virtualRoute = routeLine(options(virtualRouteOptions))
export const staticRoute = routeLine(options(staticRouteOptions))
/** For the table of keywords. */
export const allRouteOptions = staticRouteOptions
