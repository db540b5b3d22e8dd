import type { Prefix } from './address-range.ts'
import { type Encap, KEEPALIVED_PROTOCOL, type NextHop, type Route, type RoutingItem, type Rule } from './route.ts'

const MAIN_TABLE = 254
const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }
const SCOPES: Readonly<Record<number, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' }

/** A route or a rule in a line, in the words of `ip route` and `ip rule`: what tells it from others, and where it leads. */
export const itemText = (item: RoutingItem): string =>
  item.kind === 'route' ? routeText(item.route) : ruleText(item.rule)

function routeText(route: Route): string {
  const { type, to, from, table, vrf, tos, scope, protocol, metric, source, hops, preference } = route
  return words(
    type === 'unicast' ? undefined : type,
    to.length === 0 ? 'default' : prefixText(to),
    from && `from ${prefixText(from)}`,
    tos === 0 ? undefined : `tos 0x${tos.toString(16).padStart(2, '0')}`,
    ...hops.map((hop) => (hops.length > 1 ? `nexthop ${hopText(hop)} weight ${hop.weight}` : hopText(hop))),
    vrf === undefined ? (table === MAIN_TABLE ? undefined : `table ${TABLES[table] ?? table}`) : `vrf ${vrf}`,
    scope === 0 ? undefined : `scope ${SCOPES[scope] ?? scope}`,
    metric === undefined ? undefined : `metric ${metric}`,
    source && `src ${source}`,
    preference && `pref ${preference}`,
    protocol === KEEPALIVED_PROTOCOL ? undefined : `proto ${protocol}`,
  )
}

function hopText({ via, device, onlink, encap }: NextHop): string {
  return words(encap && encapText(encap), via && `via ${via}`, device && `dev ${device}`, onlink ? 'onlink' : undefined)
}

function encapText(encap: Encap): string {
  switch (encap.type) {
    case 'mpls':
      return `encap mpls ${encap.labels.join('/')}`
    case 'ila':
      return `encap ila ${encap.locator.match(/..../g)?.join(':') ?? ''}`
    case 'ip':
    case 'ip6':
      return words(
        'encap',
        encap.type,
        `id ${encap.id}`,
        encap.from && `src ${encap.from}`,
        encap.to && `dst ${encap.to}`,
      )
  }
}

function ruleText(rule: Rule): string {
  const { preference, inverted, from, to, tos, mark, incoming, outgoing, users, ipProtocol, action } = rule
  return words(
    `${preference}:`,
    inverted ? 'not' : undefined,
    `from ${from === undefined ? 'all' : prefixText(from)}`,
    to && `to ${prefixText(to)}`,
    tos === 0 ? undefined : `tos 0x${tos.toString(16)}`,
    mark && `fwmark 0x${mark.value.toString(16)}${mark.mask === undefined ? '' : `/0x${mark.mask.toString(16)}`}`,
    incoming && `iif ${incoming}`,
    outgoing && `oif ${outgoing}`,
    users && `uidrange ${users.first}-${users.last}`,
    ipProtocol === undefined ? undefined : `ipproto ${ipProtocol}`,
    rule.sourcePorts && `sport ${rule.sourcePorts.first}-${rule.sourcePorts.last}`,
    rule.destinationPorts && `dport ${rule.destinationPorts.first}-${rule.destinationPorts.last}`,
    actionText(action),
    rule.suppressPrefixLength === undefined ? undefined : `suppress_prefixlength ${rule.suppressPrefixLength}`,
  )
}

function actionText(action: Rule['action']): string {
  switch (action.type) {
    case 'table':
      return `lookup ${TABLES[action.table] ?? action.table}`
    case 'goto':
      return `goto ${action.preference}`
    case 'l3mdev':
      return 'lookup [l3mdev-table]'
    case 'nop':
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
      return action.type
  }
}

const prefixText = ({ address, length }: Prefix): string =>
  length === (address.includes(':') ? 128 : 32) ? address : `${address}/${length}`

const words = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(' ')
