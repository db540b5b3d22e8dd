import { isIpv4 } from '../../net/address.ts'
import type { Prefix } from '../../net/address-range.ts'
import type { Rule, RuleAction, Span } from '../../net/route.ts'
import type { RoutingRule } from '../keywords/rule-line.ts'
import type { Making } from './making.ts'
import { protocolOf, realmsOf } from './route.ts'
import type { NumberOf } from './routing-names.ts'

/** The first preference that keepalived gives to a rule of a family that says none; the next ones go down. */
export const FIRST_PREFERENCE = 16_384

/** The rule of a line, as far as it can be made; what is wrong with it, `making` is told. `preference`: unless the line says one. */
export function ruleOf(line: RoutingRule, preference: number, numberOf: NumberOf, making: Making): Rule {
  const family = ruleFamilyOf(line, making)
  const own = line.preference ?? preference
  const tracked = line.no_track !== true
  const suppressed = line.suppress_prefixlength
  if (suppressed !== undefined && suppressed > (family === 4 ? 32 : 128)) {
    making.wrong(`\`suppress_prefixlength\` ${suppressed} is longer than an address of IPv${family}`)
  }
  return {
    family,
    preference: own,
    inverted: line.not === true,
    from: prefixOf(line.from),
    to: prefixOf(line.to),
    tos: making.number(numberOf, 'tos', line.tos) ?? 0,
    mark: markOf(line.fwmark),
    incoming: line.iif,
    outgoing: line.oif,
    tunnelId: line['tunnel-id'],
    users: spanOf('uidrange', line.uidrange, making),
    ipProtocol: making.number(numberOf, 'ipProtocol', line.ipproto?.toLowerCase()),
    sourcePorts: spanOf('sport', line.sport, making),
    destinationPorts: spanOf('dport', line.dport, making),
    action: actionOf(line, own, numberOf, making),
    realms: realmsOf(line.realms, numberOf, making),
    suppressPrefixLength: suppressed,
    suppressGroup: making.number(numberOf, 'group', line.suppress_ifgroup),
    protocol: protocolOf(line.protocol, tracked, 0, numberOf, making),
    tracked,
  }
}

/** The family of a line: that of its addresses, or the one that it says. */
export function ruleFamilyOf({ from, to, inet6, inet }: RoutingRule, making?: Making): 4 | 6 {
  const said = inet6 === true ? 6 : inet === true ? 4 : undefined
  const prefixes = [from, to].filter((each) => each !== undefined && each !== 'all')
  const families = prefixes.map(({ address }): 4 | 6 => (isIpv4(address) ? 4 : 6))
  const found: readonly (4 | 6)[] = said === undefined ? families : [...families, said]
  if (new Set(found).size > 1) making?.wrong('a rule is for IPv4 or for IPv6, and this one says both')
  return found[0] ?? 4
}

function prefixOf(selector: Prefix | 'all' | undefined): Prefix | undefined {
  return selector === 'all' || selector === undefined || selector.length === 0 ? undefined : selector
}

function markOf(text: string | undefined): Rule['mark'] {
  if (text === undefined) return undefined
  const [value = '', mask] = text.split('/')
  return { value: Number(value), mask: mask === undefined ? undefined : Number(mask) }
}

function spanOf(name: string, text: string | undefined, making: Making): Span | undefined {
  if (text === undefined) return undefined
  const [first = 0, last = first] = text.split('-').map(Number)
  if (last < first) making.wrong(`\`${name}\` ${text} ends before it begins`)
  return { first, last }
}

function actionOf(line: RoutingRule, preference: number, numberOf: NumberOf, making: Making): RuleAction {
  const { table, goto, nop, l3mdev, type } = line
  const said = [table, goto, nop, l3mdev, type === 'unicast' ? undefined : type].filter((each) => each !== undefined)
  if (said.length > 1) making.wrong('a rule has one action: `table`, `goto`, `nop`, `l3mdev` or a type')
  if (goto !== undefined) {
    if (goto <= preference) making.wrong(`\`goto\` ${goto} goes back: this rule has the preference ${preference}`)
    return { type: 'goto', preference: goto }
  }
  if (nop === true) return { type: 'nop' }
  if (l3mdev === true) return { type: 'l3mdev' }
  switch (type) {
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
      return { type }
    case 'unicast':
    case undefined:
      break
    default:
      making.wrong(`the kernel has no rules of type \`${type}\``)
      return { type: 'nop' }
  }
  if (table === undefined)
    making.wrong('a rule needs an action: `table`, `goto`, `nop`, `l3mdev`, `blackhole`, `unreachable` or `prohibit`')
  const number = making.number(numberOf, 'table', table) ?? 0
  if (table !== undefined && number === 0) making.wrong('table 0 is no table that a rule can look up')
  return { type: 'table', table: number }
}
