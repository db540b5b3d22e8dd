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
} from '../schema/syntax.ts'
import { anyAddress, choice, integer, interfaceName, parsePrefix, prefix, printPrefix, word } from '../schema/values.ts'
import type { Prefix } from '../../net/address-range.ts'
import { scope } from './address-line.ts'

const U32 = 2 ** 32 - 1
const number = integer(0, U32)

/** A number that may be locked against path MTU discovery. */
const lockable: Syntax<{ readonly lock: boolean; readonly value: string }> = {
  text: '[lock] <number>',
  parse(words) {
    const lock = words.peek()?.text === 'lock'
    if (lock) words.take()
    const value = words.need('<number>')
    return value === undefined ? invalid : { lock, value: value.text }
  },
  print: ({ lock, value }) => `${lock ? 'lock ' : ''}${value}`,
}

/** `[inet|inet6] ADDRESS` */
const gateway: Syntax<Address> = {
  ...anyAddress,
  text: '[inet|inet6] <address>',
  parse(words) {
    if (/^inet6?$/.test(words.peek()?.text ?? '')) words.take()
    return anyAddress.parse(words)
  },
}

/** An encapsulation: its type, and the words that describe it. They end with the line, or where the next hop begins. */
const encapsulation: Syntax<readonly string[]> = {
  text: 'mpls|ip|ip6|ila …',
  parse(words) {
    const found: string[] = []
    for (let next = words.peek(); next !== undefined && next.text !== 'nexthop'; next = words.peek()) {
      found.push(next.text)
      words.take()
    }
    return found
  },
  print: (value) => value.join(' '),
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
  as: option(word('<address>'), 'New destination (MPLS).'),
  // Last, because it takes every word that follows.
  encap: option(encapsulation, 'Encapsulation.'),
} as const

/** One of several next hops. */
export type NextHop = OptionValues<typeof hopOptions>
const nextHops = options(hopOptions)

const many: OptionSpec<readonly NextHop[]> = option(
  {
    text: 'via <address> [dev <interface>] [weight <1-256>] …',
    parse(words) {
      const hops: NextHop[] = []
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
  as: option(word('<address>'), 'New destination (MPLS).'),
  from: option(prefix, 'Source prefix of the packets (IPv6).'),
  tos,
  dsfield: anotherNameOf('tos', tos),
  onlink: mark('Treats the next hop as directly reachable.'),
  expires: option(number, 'Lifetime, in seconds (IPv6).'),
  mtu: option(lockable, 'Path MTU, in bytes.'),
  hoplimit: option(integer(0, 255), 'Hop limit of packets.'),
  advmss: option(lockable, 'MSS that is advertised.'),
  rtt: option(lockable, 'Initial estimate of the round-trip time.'),
  rttvar: option(lockable, 'Initial estimate of the variance of the round-trip time.'),
  reordering: option(lockable, 'Reordering that is expected, in packets.'),
  window: option(number, 'Largest TCP window that is advertised.'),
  cwnd: option(lockable, 'Limit of the congestion window.'),
  ssthresh: option(lockable, 'Slow start threshold.'),
  realms: option(realms, 'Realm of the route.'),
  rto_min: option(lockable, 'Minimum retransmission time-out of TCP.'),
  initcwnd: option(number, 'Initial congestion window, in segments.'),
  initrwnd: option(number, 'Initial receive window, in segments.'),
  features: option(choice('ecn'), 'Features of TCP.'),
  quickack: option(truth01(), 'Sends TCP acknowledgements without delay.'),
  congctl: option(lockable, 'Congestion control algorithm.'),
  pref: option(choice('low', 'medium', 'high'), 'Preference (IPv6).'),
  'ttl-propagate': option(choice('enabled', 'disabled'), 'Copies the TTL (MPLS).'),
  fastopen_no_cookie: option(truth01(), 'TCP fast open without cookie.'),
  add: mark('Fails if the route exists.'),
  prepend: mark('Adds the route before existing ones like it (the default).'),
  append: mark('Adds the route after existing ones like it.'),
  no_track: mark('Does not track whether the route is there.'),
  vrf: option(word('<vrf>'), 'Adds the route to the table of this VRF.'),
} as const

/** Last, because they take every word that follows. */
const lastOptions = { encap: option(encapsulation, 'Encapsulation.'), nexthop: many } as const
const virtualRouteOptions = { ...routeOptions, ...lastOptions } as const

const staticRouteOptions = {
  ...routeOptions,
  track_group: option(word('<track_group>'), 'Track group of instances that depend on it.'),
  ...lastOptions,
} as const

function truth01(): Syntax<string> {
  return one({
    text: '0|1|on|off',
    expected: '0, 1, on or off',
    read: (text) =>
      /^[01]$/.test(text) || text in { on: 1, off: 1, true: 1, false: 1, yes: 1, no: 1 } ? text : undefined,
  })
}

const TYPES = 'unicast|local|broadcast|anycast|multicast|throw|unreachable|prohibit|blackhole|nat'

/** A destination: a prefix, or `default` for all of them. */
export interface Route {
  /** Kind of route; `unicast` unless said. */
  readonly type: string
  readonly to: Prefix | 'default' | undefined
}

function routeLine<T extends object>(tail: Syntax<T>): Syntax<Route & { readonly options: T }> {
  return {
    text: `[${TYPES}] [to] <prefix>|default ${tail.text}`,
    ...(tail.options === undefined ? {} : { options: tail.options }),
    parse(words) {
      let type = 'unicast'
      let to: Route['to']
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

function readDestination(words: Parameters<Syntax<unknown>['parse']>[0]): Route['to'] | typeof invalid {
  const word = words.need('a destination')
  if (word === undefined) return invalid
  if (/^(default6?|any|all)$/.test(word.text)) return 'default'
  return parsePrefix(word.text) ?? words.bad(word, 'a prefix, `default`, or an option of a route')
}

export const virtualRoute = routeLine(options(virtualRouteOptions))
export const staticRoute = routeLine(options(staticRouteOptions))
/** For the table of keywords. */
export const allRouteOptions = staticRouteOptions
