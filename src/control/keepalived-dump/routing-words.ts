import { addressBits, isIpv4 } from '../../net/address.ts'
import type { Prefix } from '../../net/address-range.ts'
import type { Encap, Metric, NextHop, Route, Rule } from '../../net/route.ts'

const MAIN_TABLE = 254

/** A route as keepalived 2.2.7 tells it in its dump. */
export function routeWords(route: Route): string {
  const { type, to, from, tos, hops, table, vrf, protocol, scope, metric, source, realms, tracked } = route
  const how =
    type !== 'unicast' || route.position === 'alone' ? 'add' : route.position === 'last' ? 'append' : 'prepend'
  return words(
    how,
    type === 'unicast' ? undefined : type,
    prefixWords(to),
    source && `src ${source}`,
    from && `from ${prefixWords(from)}`,
    tos === 0 ? undefined : `tos ${tos}`,
    ...(hops.length === 1 ? hops.map(hopWords) : []),
    vrf === undefined ? (table === MAIN_TABLE ? undefined : `table ${table}`) : `vrf ${vrf}`,
    tracked || protocol !== KEEPALIVED ? `proto ${protocol}` : undefined,
    scope === 0 ? undefined : `scope ${scope}`,
    metric === undefined ? undefined : `metric ${metric}`,
    hops.length === 1 && hops[0]?.onlink === true ? 'onlink' : undefined,
    realms === undefined ? undefined : `realms ${realms >>> 16}/${realms & 0xffff}`,
    ...metricWords(route),
    route.preference && `pref ${route.preference}`,
    ...(hops.length > 1 ? hops.map(nextHopWords) : []),
    tracked ? undefined : 'no_track',
  )
}

/** A rule, the same. */
export function ruleWords(rule: Rule): string {
  const { family, from, to, preference, tos, mark, incoming, outgoing, tunnelId, users, action, protocol, realms } =
    rule
  const isBare = from === undefined && to === undefined
  return words(
    isBare && family === 6 ? 'inet6' : undefined,
    rule.inverted ? 'not' : undefined,
    `from ${from === undefined ? 'all' : prefixWords(from)}`,
    to && `to ${prefixWords(to)}`,
    `priority ${preference}`,
    `tos 0x${tos.toString(16)}`,
    mark && `fwmark 0x${mark.value.toString(16)}${mark.mask === undefined ? '' : `/0x${mark.mask.toString(16)}`}`,
    incoming && `iif ${incoming}`,
    outgoing && `oif ${outgoing}`,
    rule.suppressPrefixLength === undefined ? undefined : `suppress_prefixlen ${rule.suppressPrefixLength}`,
    rule.suppressGroup === undefined ? undefined : `suppress_ifgroup ${rule.suppressGroup}`,
    tunnelId === undefined ? undefined : `tunnel-id ${tunnelId}`,
    users && `uidrange ${users.first}-${users.last}`,
    action.type === 'l3mdev' ? 'l3mdev' : undefined,
    protocol === 0 ? undefined : `protocol ${protocol}`,
    rule.ipProtocol === undefined ? undefined : `ipproto ${rule.ipProtocol}`,
    rule.sourcePorts && `sport ${rule.sourcePorts.first}-${rule.sourcePorts.last}`,
    rule.destinationPorts && `dport ${rule.destinationPorts.first}-${rule.destinationPorts.last}`,
    realms === undefined ? undefined : `realms ${realms >>> 16}/${realms & 0xffff}`,
    actionWords(action),
    rule.tracked ? undefined : 'no_track',
  )
}

const KEEPALIVED = 18

function actionWords(action: Rule['action']): string {
  switch (action.type) {
    case 'table':
      return `lookup ${action.table}`
    case 'l3mdev':
      return 'lookup 0'
    case 'goto':
      return `goto ${action.preference}`
    case 'nop':
      return 'nop'
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
      return `type ${action.type}`
  }
}

function hopWords({ via, device, encap }: NextHop): string {
  return words(
    encap && encapWords(encap),
    via && `via ${isIpv4(via) ? 'inet' : 'inet6'} ${via}`,
    device && `dev ${device}`,
  )
}

function nextHopWords(hop: NextHop): string {
  const { weight, onlink } = hop
  return words('nexthop', hopWords(hop), weight === 1 ? undefined : `weight ${weight}`, onlink ? 'onlink' : undefined)
}

function encapWords(encap: Encap): string {
  switch (encap.type) {
    case 'mpls':
      return `encap mpls ${encap.labels.join('/')}`
    case 'ila':
      return `encap ila ${encap.locator.match(/..../g)?.join(':') ?? ''}`
    case 'ip':
    case 'ip6': {
      const { type, id, to, from, tos, ttl } = encap
      return words(
        `encap ${type} id ${id}`,
        to && `dst ${to}`,
        from && `src ${from}`,
        tos === 0 ? undefined : `${type === 'ip' ? 'tos' : 'tc'} ${tos}`,
        ttl === 0 ? undefined : `${type === 'ip' ? 'ttl' : 'hoplimit'} ${ttl}`,
      )
    }
  }
}

/** In keepalived's order: its name, and how many of the kernel's units are a millisecond where it is a time. */
const METRICS: readonly (readonly [Metric, name: string, perMs?: number])[] = [
  ['rttEighthsOfMs', 'rtt', 8],
  ['rttvarQuartersOfMs', 'rttvar', 4],
  ['rtoMinMs', 'rto_min', 1],
  ['features', 'features'],
  ['mtuBytes', 'mtu'],
  ['windowBytes', 'window'],
  ['ssthresh', 'ssthresh'],
  ['cwnd', 'cwnd'],
  ['advmssBytes', 'advmss'],
  ['reordering', 'reordering'],
  ['hoplimit', 'hoplimit'],
  ['initcwnd', 'initcwnd'],
  ['initrwnd', 'initrwnd'],
  ['quickack', 'quickack'],
  ['fastopenNoCookie', 'fastopen_no_cookie'],
]

function metricWords({ metrics, locked, congestionControl }: Route): readonly string[] {
  const lock = (name: (typeof locked)[number]) => (locked.includes(name) ? 'lock ' : '')
  const control = congestionControl && `congctl ${lock('congestionControl')}${congestionControl}`
  const rest = METRICS.flatMap(([metric, name, perMs]) => {
    const value = metrics[metric]
    if (value === undefined) return []
    const text = metric === 'features' ? 'ecn' : perMs === undefined ? `${value}` : timeWords(value / perMs)
    return [`${name} ${lock(metric)}${text}`]
  })
  return control === undefined || control === '' ? rest : [control, ...rest]
}

/** Seconds from one second on. */
const timeWords = (ms: number): string => (ms >= 1000 ? `${ms / 1000}s` : `${ms}ms`)

const prefixWords = ({ address, length }: Prefix): string =>
  length === addressBits(address) ? address : `${address}/${length}`

const words = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(' ')
