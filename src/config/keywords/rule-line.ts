import { anotherNameOf, invalid, mark, one, option, options, type OptionValues, type Syntax } from '../schema/syntax.ts'
import { integer, interfaceName, parsePrefix, type Prefix, printPrefix, word } from '../schema/values.ts'
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

const table = option(tableName, 'Looks up this routing table.')
const preference = option(integer(0, U32), 'The lower one counts first.')
const incoming = option(interfaceName, 'Packets that came in here.')
const tos = option(typeOfService, 'Packets with this type of service.')
const prefixLength = option(integer(0, 128), 'Ignores routes with a prefix as short as this.')
const group = option(word('<group>'), 'Ignores routes through interfaces of this group.')

const common = {
  from: option(selector, 'Packets from here.'),
  to: option(selector, 'Packets to here.'),
  table,
  lookup: anotherNameOf('table', table),
  not: mark('Packets that do not match.'),
  preference,
  order: anotherNameOf('preference', preference),
  priority: anotherNameOf('preference', preference),
  tos,
  dsfield: anotherNameOf('tos', tos),
  fwmark: option(mask, 'Packets with this firewall mark.'),
  iif: incoming,
  dev: anotherNameOf('iif', incoming),
  oif: option(interfaceName, 'Packets of sockets bound to this interface.'),
  realms: option(realms, 'Realm of what matches.'),
  suppress_prefixlength: prefixLength,
  sup_pl: anotherNameOf('suppress_prefixlength', prefixLength),
  suppress_ifgroup: group,
  sup_group: anotherNameOf('suppress_ifgroup', group),
  'tunnel-id': option(integer(0, Number.MAX_SAFE_INTEGER), 'Packets from this tunnel.'),
  uidrange: option(range(U32), 'Sockets of these users.'),
  l3mdev: mark('Looks up the table of the VRF.'),
  protocol: option(word('<protocol>'), 'Who made the rule.'),
  ipproto: option(word('<protocol>'), 'Packets of this protocol.'),
  sport: option(range(65_535), 'Packets from these ports.'),
  dport: option(range(65_535), 'Packets to these ports.'),
  type: option(word('unicast|blackhole|unreachable|prohibit|…'), 'What becomes of them.'),
  goto: option(integer(0, U32), 'Goes on with this rule.'),
  nop: mark('Nothing.'),
  inet: mark('The rule is an IPv4 one.'),
  inet6: mark('The rule is an IPv6 one.'),
  no_track: mark('Its loss does not matter.'),
} as const

const staticOptions = { ...common, track_group: option(word('<track_group>'), 'Instances that need it.') } as const
export const ruleOptions = staticOptions

/** What becomes of packets may stand without `type`. */
const TYPES = /^(unicast|blackhole|unreachable|prohibit|throw|local|broadcast|anycast|multicast|nat)$/

export type Rule = OptionValues<typeof staticOptions>

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
export const staticRule: Syntax<Rule> = ruleLine(options(staticOptions))
