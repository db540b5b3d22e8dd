import type { Address } from '../../net/address.ts'
import {
  anotherNameOf,
  withoutEffect,
  invalid,
  mark,
  one,
  option,
  options,
  type OptionValues,
  type Syntax,
} from '../schema/syntax.ts'
import { interfaceName, parsePrefix, prefix, printPrefix, withPrefixLength, word } from '../schema/values.ts'
import type { Prefix } from '../../net/address-range.ts'

/** Scopes of addresses and routes: names, or a number. */
export const scope: Syntax<string> = one({
  text: 'global|site|link|host|nowhere|<0-255>',
  expected: 'a scope: global, site, link, host, nowhere or a number up to 255',
  words: ['global', 'site', 'link', 'host', 'nowhere'],
  read: (text) =>
    /^(global|site|link|host|nowhere)$/.test(text) || (/^\d{1,3}$/.test(text) && Number(text) <= 255)
      ? text
      : undefined,
})

const broadcast = option(
  one<Address | '+' | '-'>({
    text: '<address>|+|-',
    expected: 'an address, + or -',
    read: (text) => (text === '+' || text === '-' ? text : parsePrefix(text)?.address),
  }),
  'Broadcast address (IPv4); + has all host bits set, - none.',
)

const common = {
  dev: option(interfaceName, 'Interface that gets the address.'),
  scope: option(scope, 'Scope of the address (IPv4).'),
  brd: broadcast,
  broadcast: anotherNameOf('brd', broadcast),
  label: option(word('<label>'), 'Label of the address (IPv4).'),
  peer: option(prefix, 'Other end of a point-to-point link.'),
  home: mark('Home address (IPv6).'),
  '-nodad': mark('Duplicate address detection before it is used (IPv6); without this there is none.'),
  mngtmpaddr: mark('Temporary addresses are made from it (IPv6).'),
  noprefixroute: mark('Adds no route for its prefix.'),
  autojoin: withoutEffect(
    'the kernel takes it for multicast addresses alone',
    mark('Joins the multicast group of this address.'),
  ),
  no_track: mark(
    'That somebody else removes it again and again is no reason to give the role up; a static one is not put back.',
  ),
  preferred_lft: option(
    one({
      text: '<seconds>|forever',
      expected: 'seconds or `forever`',
      read: (text) => (/^(\d{1,10}|forever)$/.test(text) ? text : undefined),
    }),
    'Preferred lifetime (IPv6), in seconds; default for a single IPv6 address 0.',
  ),
} as const

const staticOptions = {
  ...common,
  track_group: option(word('<track_group>'), 'Track group of instances that depend on it.'),
} as const
const virtualOptions = { ...common, use_vmac: mark('Has a virtual MAC address.') } as const

/** The options of an address line, for the table of keywords. */
export const addressOptions = { ...staticOptions, ...virtualOptions } as const

/** `ADDRESS[/LENGTH] [option …]`, the address also in the middle of them as keepalived allows. */
export type AddressLine = { readonly prefix: Prefix } & OptionValues<typeof virtualOptions>
export type StaticAddressLine = { readonly prefix: Prefix } & OptionValues<typeof staticOptions>

function addressLine<T extends object>(tail: Syntax<T>): Syntax<{ readonly prefix: Prefix } & T> {
  return {
    text: `${prefix.text} ${tail.text}`,
    ...(tail.options === undefined ? {} : { options: tail.options }),
    parse(words) {
      const first = words.need(prefix.text)
      if (first === undefined) return invalid
      const value = parsePrefix(first.text)
      if (value === undefined || !/[1-9a-f]/.test(value.address)) {
        return words.bad(first, 'an IP address with an optional prefix length', withPrefixLength(first.text))
      }
      const rest = tail.parse(words)
      if (rest === invalid) return invalid
      const extra = words.peek()
      if (extra === undefined) return { prefix: value, ...rest }
      return words.bad(extra, 'an option of an address')
    },
    print: (value) => `${printPrefix(value.prefix)} ${tail.print(value)}`.trimEnd(),
  }
}

export const virtualAddress: Syntax<AddressLine> = addressLine(options(virtualOptions))
export const staticAddress: Syntax<StaticAddressLine> = addressLine(options(staticOptions))
