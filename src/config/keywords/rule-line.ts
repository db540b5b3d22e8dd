import { anotherNameOf, invalid, mark, one, option, options, type OptionValues, type Syntax } from '../schema/syntax.ts'
import { integer, interfaceName, parsePrefix, printPrefix, word } from '../schema/values.ts'
import type { Prefix } from '../../net/address-range.ts'
import { realms, tableName, typeOfService } from './route-line.ts'

const U32 = 2 ** 32 - 1

/** A prefix, or `all`. */
const selector = one<Prefix | 'all'>({
  text: '<prefix>|all',
  expected: 'a prefix or `all`',
  read: (text) => (/^(all|any|default)$/.test(text) ? 'all' : parsePrefix(text)),
  print: (value) => (value === 'all' ? value : printPrefix(value)),
})

const range = (limit: number) =>
  one({
    text: `<0-${limit}>[-<0-${limit}>]`,
    expected: `a number up to ${limit}, or two with - between`,
    read: (text) =>
      /^\d+(-\d+)?$/.test(text) && text.split('-').every((part) => Number(part) <= limit) ? text : undefined,
  })

const mask = one({
  text: '<mark>[/<mask>]',
  expected: 'a mark with an optional mask',
  read: (text) => (/^(0x[\da-f]{1,8}|\d{1,10})(\/(0x[\da-f]{1,8}|\d{1,10}))?$/i.test(text) ? text : undefined),
})

const table = option(tableName, 'Routing table that is looked up.')
const preference = option(integer(0, U32), 'Priority of the rule; the lowest is looked at first.')
const incoming = option(interfaceName, 'Input interface of the packets.')
const tos = option(typeOfService, 'Type of service of the packets.')
const prefixLength = option(integer(0, 128), 'Ignores routes with a prefix length of this or less.')
const group = option(word('<group>'), 'Ignores routes through interfaces of this group.')

const common = {
  from: option(selector, 'Source prefix of the packets.'),
  to: option(selector, 'Destination prefix of the packets.'),
  table,
  lookup: anotherNameOf('table', table),
  not: mark('Inverts the match.'),
  preference,
  order: anotherNameOf('preference', preference),
  priority: anotherNameOf('preference', preference),
  tos,
  dsfield: anotherNameOf('tos', tos),
  fwmark: option(mask, 'Firewall mark of the packets.'),
  iif: incoming,
  dev: anotherNameOf('iif', incoming),
  oif: option(interfaceName, 'Packets of sockets bound to this interface.'),
  realms: option(realms, 'Realms of packets that match.'),
  suppress_prefixlength: prefixLength,
  sup_pl: anotherNameOf('suppress_prefixlength', prefixLength),
  suppress_ifgroup: group,
  sup_group: anotherNameOf('suppress_ifgroup', group),
  'tunnel-id': option(integer(0, Number.MAX_SAFE_INTEGER), 'Tunnel ID of the packets.'),
  uidrange: option(range(U32), 'Users whose sockets send the packets.'),
  l3mdev: mark('Looks up the table of the VRF.'),
  protocol: option(word('<protocol>'), 'Routing protocol identifier of the rule.'),
  ipproto: option(word('<protocol>'), 'Protocol of the packets.'),
  sport: option(range(65_535), 'Source ports of the packets.'),
  dport: option(range(65_535), 'Destination ports of the packets.'),
  type: option(word('unicast|blackhole|unreachable|prohibit|…'), 'Action of the rule.'),
  goto: option(integer(0, U32), 'Continues with this rule.'),
  nop: mark('No action.'),
  inet: mark('The rule is an IPv4 one.'),
  inet6: mark('The rule is an IPv6 one.'),
  no_track: mark('Does not track whether the rule is there.'),
} as const

const staticOptions = {
  ...common,
  track_group: option(word('<track_group>'), 'Track group of instances that depend on it.'),
} as const
export const ruleOptions = staticOptions

/** What becomes of packets may stand without `type`. */
const TYPES = /^(unicast|blackhole|unreachable|prohibit|throw|local|broadcast|anycast|multicast|nat)$/

export type RoutingRule = OptionValues<typeof staticOptions>

function ruleLine<T extends { type?: string }>(tail: Syntax<T>): Syntax<T> {
  return {
    ...tail,
    parse(words) {
      let parts = {} as T
      for (let word = words.peek(); word !== undefined; word = words.peek()) {
        if (TYPES.test(word.text)) {
          parts = { ...parts, type: word.text }
          words.take()
          continue
        }
        const before = word
        const more = tail.parse(words)
        if (more === invalid) return invalid
        if (words.peek() === before) return words.bad(before, 'an option of a rule')
        parts = { ...parts, ...more }
      }
      return parts
    },
  }
}

export const virtualRule = ruleLine(options(common))
export const staticRule: Syntax<RoutingRule> = ruleLine(options(staticOptions))
