import { checkersOf } from '../checkers-of.ts'
import { isIpv4 } from '../../net/address.ts'
import { addressesInRange, networkOf } from '../../net/address-range.ts'
import { isForEveryPort, isOnePacket, persistenceSecondsOf } from '../effective.ts'
import { removeStatement } from '../fix.ts'
import { accessName, MAX_ACCESS_PREFIXES, MAX_LOCAL_ADDRESSES } from '../../model/service.ts'
import type { Report } from '../diagnostic.ts'
import type { RealServerSettings, Settings, VirtualServerSettings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import { quorumOf } from '../compile/service.ts'
import { placeText, type Span } from '../source.ts'
import { markFamilyOf } from '../mark-family.ts'
import { flapsCanBeSeen } from './flaps.ts'
import { groupRules, isOfMarks } from './groups.ts'
import { reportRepeats, type Rule } from './rule.ts'
import { slowStartsHaveAnEffect } from './slow-start.ts'

/** A rule that looks at each virtual server by itself. */
const ofEach =
  (check: (server: VirtualServerSettings, places: Places, report: Report, settings: Settings) => void): Rule =>
  (settings, places, report) => {
    for (const server of settings.virtual_server) check(server, places, report, settings)
  }

function serviceKey(server: VirtualServerSettings): string {
  const { id, protocol } = server
  switch (id.by) {
    case 'address':
      return `[${id.address}]:${(protocol ?? 'none').toLowerCase()}:${id.port ?? 0}`
    case 'fwmark':
      return `fwmark ${id.fwmark}${markFamilyOf(server) === 'inet6' ? ' IPv6' : ''}`
    case 'group':
      return `group ${id.group} ${protocol ?? ''} `
  }
}

const endpointText = ({ address, host, port }: RealServerSettings['id']): string => `[${address ?? host}]:${port ?? 0}`

const virtualServersAreUnique: Rule = (settings, places, report) => {
  const items = settings.virtual_server.map((server) => ({ key: serviceKey(server), at: places.of(server) }))
  reportRepeats(items, report, 'duplicate-server', (name) => `another virtual_server is ${name}`)
}

const virtualServersSayTheirProtocol = ofEach((server, places, report, settings) => {
  if (server.protocol !== undefined || server.id.by === 'fwmark' || places.broken(server, 'protocol')) return
  if (isOfMarks(server, settings)) return
  report('missing-keyword', places.of(server), 'virtual_server needs `protocol`', 'TCP, UDP or SCTP')
})

const marksNameNoPort = ofEach((server, places, report) => {
  if (server.id.by !== 'fwmark') return
  if (server.protocol !== undefined) {
    report(
      'ignored-value',
      places.of(server, 'protocol'),
      'a virtual server by firewall mark takes every protocol; this one has no effect',
    )
  }
  for (const real of server.real_server) {
    if (real.id.port === undefined) continue
    report(
      'ignored-value',
      places.of(real),
      'a virtual server by firewall mark keeps the destination port; this one has no effect',
    )
  }
})

const everyPortNeedsPersistence = ofEach((server, places, report, settings) => {
  const { persistence_timeout: said } = server
  if (!isForEveryPort(server, settings) || (said !== undefined && said.value !== 0)) return
  if (places.broken(server, 'persistence_timeout')) return
  const taken = `${persistenceSecondsOf(server, settings)} is taken, as by keepalived`
  const message = `a virtual_server for every port needs \`persistence_timeout\`: ${taken}`
  report('assumed-value', places.of(server), message, 'set it, or name a port')
})

const noPersistenceIsNone = ofEach((server, places, report, settings) => {
  if (server.persistence_timeout?.value === 0) {
    const at = places.of(server, 'persistence_timeout')
    const fix = isForEveryPort(server, settings) ? undefined : removeStatement(at)
    report('ignored-value', at, '`persistence_timeout 0` is no persistence', 'leave it out', fix)
  }
  if (server.persistence_granularity === 0) {
    const message = 'a netmask of 0.0.0.0 makes all clients one: all of them get the same server'
    report('one-client', places.of(server, 'persistence_granularity'), message, 'leave it out, or use a longer mask')
  }
})

const virtualServersHaveServers = ofEach((server, places, report) => {
  if (server.real_server.length > 0 || places.broken(server, 'real_server')) return
  report('no-server', places.of(server), 'this virtual_server has no real_server')
})

const realServersAreUnique = ofEach((server, places, report) => {
  const items = server.real_server.map((real) => ({ key: endpointText(real.id), at: places.of(real) }))
  reportRepeats(items, report, 'repeated-server', (name) => `real server ${name} is given twice`, {
    hint: 'the first one counts',
  })
})

const theSorryServerIsAnother = ofEach((server, places, report) => {
  const { sorry_server: sorry } = server
  if (sorry === undefined) return
  const real = server.real_server.find(({ id }) => endpointText(id) === endpointText(sorry))
  if (real === undefined) return
  const message = `the sorry server is one of the real servers, at ${placeText(places.of(real))}: without quorum it serves, also when its checks fail`
  report('repeated-server', places.of(server, 'sorry_server'), message)
})

const methodsReachTheServers = ofEach((server, places, report) => {
  if (server.id.by !== 'address') return
  const ipv4 = isIpv4(server.id.address)
  for (const real of server.real_server) {
    const { method } = real.lvs_method ?? server.lvs_method
    // Of a name only the addresses of the right family count.
    if (real.id.address === undefined || isIpv4(real.id.address) === ipv4 || method === 'TUN') continue
    report('mixed-families', places.of(real), `${method} cannot reach a server of the other family; TUN can`)
  }
})

const directRoutingKeepsThePort = ofEach((server, places, report) => {
  if (server.id.by !== 'address' || server.id.port === undefined) return
  for (const real of server.real_server) {
    const { method } = real.lvs_method ?? server.lvs_method
    if (method === 'NAT' || method === 'FNAT' || real.id.port === undefined || real.id.port === server.id.port) continue
    report('bad-port', places.of(real), `${method} cannot change the port: use ${server.id.port}, or method NAT`)
  }
})

const quorumCanBeReached = ofEach((server, places, report) => {
  const total = server.real_server.reduce((sum, { weight }) => sum + weight, 0)
  const said = places.said(server, 'quorum')
  if (server.quorum > total && said !== undefined && !places.broken(server, 'real_server')) {
    report('bad-quorum', said, `the weights of all servers add up to ${total} only: that is the quorum then`)
  }
  const { quorum, hysteresis } = quorumOf(server)
  if (server.hysteresis > hysteresis) {
    const because = `hysteresis must be below quorum: it counts as ${hysteresis} with a quorum of ${quorum}`
    report('bad-quorum', places.of(server, 'hysteresis'), because)
  }
})

const someWeightIsAboveZero = ofEach((server, places, report) => {
  if (server.real_server.length === 0 || server.real_server.some(({ weight }) => weight > 0)) return
  report('bad-weight', places.of(server), 'every real server has weight 0: no client gets a new connection')
})

const thresholdsAreInOrder = ofEach((server, places, report) => {
  for (const real of server.real_server) {
    const { uthreshold: upper, lthreshold: lower } = real
    if (upper === undefined || lower === undefined || upper === 0 || lower <= upper) continue
    report('bad-weight', places.of(real, 'lthreshold'), '`lthreshold` is above `uthreshold`')
  }
})

const oneByOneIsForUdp = ofEach((server, places, report) => {
  if (!server.ops || isOnePacket(server)) return
  const at = places.of(server, 'ops')
  report('ignored-value', at, '`ops` is for UDP, and has no effect here', 'leave it out', removeStatement(at))
})

const callsAreOfUdp = ofEach((server, places, report) => {
  if (server.persistence_engine === undefined) return
  const at = places.of(server, 'persistence_engine')
  if (server.persistence_timeout === undefined) {
    report('ignored-value', at, '`persistence_engine` is of use with `persistence_timeout` only; this has no effect')
  } else if (server.protocol !== undefined && server.protocol !== 'UDP') {
    report('bad-value', at, '`sip` is for UDP: nothing else would get a server')
  }
})

const tunnelsSayTheirPort = ofEach((server, places, report) => {
  const check = (method: typeof server.lvs_method | undefined, at: ReturnType<Places['of']>) => {
    if (method?.type === 'gue' && method.port === undefined) report('missing-keyword', at, '`type gue` needs `port`')
  }
  check(server.lvs_method, places.of(server, 'lvs_method'))
  check(server.sorry_server_lvs_method, places.of(server, 'sorry_server_lvs_method'))
  for (const real of server.real_server) check(real.lvs_method, places.of(real, 'lvs_method'))
})

const alphaNeedsAChecker = ofEach((server, places, report) => {
  for (const real of server.real_server) {
    if (!(real.alpha ?? server.alpha) || checkersOf(real).length > 0) continue
    report('no-check', places.of(real), 'with `alpha` and no checker this server never comes up')
  }
})

const checkersAreComplete = ofEach((server, places, report) => {
  for (const real of server.real_server) {
    for (const check of [...real.HTTP_GET, ...real.SSL_GET]) {
      if (check.url.length === 0 && !places.broken(check, 'url'))
        report('missing-keyword', places.of(check), 'this checker needs a `url` block')
    }
    for (const check of real.MISC_CHECK) {
      if (check.misc_path === undefined && !places.broken(check, 'misc_path'))
        report('missing-keyword', places.of(check), 'MISC_CHECK needs `misc_path`')
    }
    for (const check of real.AGENT_CHECK) {
      if (check.connect_port === undefined && !places.broken(check, 'connect_port'))
        report('missing-keyword', places.of(check), 'AGENT_CHECK needs `connect_port`, the port of the agent')
    }
    for (const check of real.FILE_CHECK) {
      if (check.track_file === undefined && !places.broken(check, 'track_file'))
        report('missing-keyword', places.of(check), 'FILE_CHECK needs `track_file`')
    }
    for (const check of real.BFD_CHECK) {
      if (check.name === undefined && !places.broken(check, 'name'))
        report('missing-keyword', places.of(check), 'BFD_CHECK needs `name`')
    }
  }
})

/** As with HAProxy an agent that does not answer changes nothing. */
const agentsAreNotAlone = ofEach((server, places, report) => {
  for (const real of server.real_server) {
    const [agent] = real.AGENT_CHECK
    if (agent === undefined || checkersOf(real).length > real.AGENT_CHECK.length) continue
    const message =
      'an agent that is gone changes nothing: without another checker this server stays up when it is dead'
    report('no-check', places.of(agent), message, 'add a TCP_CHECK, or another one')
  }
})

/** A range of real servers without a port is checked at the port of the service; a check at no port cannot be. */
const checksHaveAPort = ofEach((server, places, report) => {
  if (server.id.by === 'address' && server.id.port !== undefined) return
  for (const real of server.real_server) {
    if (real.id.port !== undefined) continue
    const connecting = [
      ...real.TCP_CHECK,
      ...real.UDP_CHECK,
      ...real.DNS_CHECK,
      ...real.SMTP_CHECK,
      ...real.HTTP_GET,
      ...real.SSL_GET,
    ]
    for (const check of connecting) {
      if (check.connect_port === undefined) report('bad-port', places.of(check), 'this checker needs `connect_port`')
    }
  }
})

/** No prefix is in both lists; the core has room for those of all services. */
const accessListsAreClear: Rule = (settings, places, report) => {
  let count = 0
  for (const server of settings.virtual_server) {
    const seen = new Map<string, { readonly list: 'allow' | 'deny'; readonly at: Span }>()
    for (const list of ['allow', 'deny'] as const) {
      for (const prefix of server[list]) {
        const at = places.of(prefix)
        const network = networkOf(prefix)
        const name = accessName(network)
        if (network.address !== prefix.address) {
          report('ignored-value', at, `only the first ${prefix.length} bits count: ${name}`)
        }
        const before = seen.get(name)
        if (before === undefined) seen.set(name, { list, at })
        else if (before.list === list) report('repeated-address', at, `${name} is in this list twice`)
        else report('duplicate-address', at, `${name} is in \`${before.list}\`, too, at ${placeText(before.at)}`)
      }
    }
    if (count <= MAX_ACCESS_PREFIXES && count + seen.size > MAX_ACCESS_PREFIXES) {
      const message = `all \`allow\` and \`deny\` lists together hold at most ${MAX_ACCESS_PREFIXES} prefixes`
      report('too-many', places.of(server, server.deny.length > 0 ? 'deny' : 'allow'), message)
    }
    count += seen.size
  }
}

const markedPacketsHavePassedTheFirewall = ofEach((server, places, report) => {
  if (!server.through_firewall || server.id.by !== 'fwmark' || server.mark.length > 0) return
  const message = 'packets with a mark have passed the firewall already; this has no effect'
  report('ignored-value', places.of(server, 'through_firewall'), message)
})

/** Full NAT needs addresses of the services' family, and not more than the core has room for. */
const localAddressesFit: Rule = (settings, places, report) => {
  const groups = new Map(settings.local_address_group.map((group) => [group.id, group]))
  for (const group of groups.values()) {
    const lists = group.lines.map((line) => addressesInRange(line, MAX_LOCAL_ADDRESSES))
    const wrong = group.lines.find((_, i) => lists[i] === undefined)
    const count = lists.reduce((sum, list) => sum + (list?.length ?? 0), 0)
    if (wrong !== undefined || count > MAX_LOCAL_ADDRESSES) {
      const at = places.of(wrong ?? group)
      report('too-many', at, `a local address group holds 1 to ${MAX_LOCAL_ADDRESSES} addresses`)
    }
    if (count === 0) report('unused', places.of(group), `the group \`${group.id}\` is empty`)
    if (!settings.virtual_server.some(({ laddr_group_name: name }) => name === group.id)) {
      report('unused', places.of(group), `no virtual_server uses the group \`${group.id}\``)
    }
  }
  for (const server of settings.virtual_server) {
    const { laddr_group_name: name } = server
    const full = [server, ...server.real_server].some(({ lvs_method: said }) => said?.method === 'FNAT')
    if (full && isOnePacket(server)) {
      report('bad-value', places.of(server, 'ops'), '`ops` keeps no connection, and FNAT needs one')
    }
    if (name === undefined) continue
    const at = places.of(server, 'laddr_group_name')
    const group = groups.get(name)
    if (group === undefined) report('unknown-name', at, `there is no local_address_group \`${name}\``)
    if (!full) report('ignored-value', at, 'only FNAT uses local addresses; this has no effect')
    const family = server.id.by === 'address' ? isIpv4(server.id.address) : server.ip_family !== 'inet6'
    const other = group?.lines.some((line) =>
      addressesInRange(line, MAX_LOCAL_ADDRESSES)?.some((a) => isIpv4(a) !== family),
    )
    if (server.id.by !== 'group' && other === true) {
      report('mixed-families', at, `local addresses of \`${name}\` are of another family than the virtual server`)
    }
  }
}

const localAddressesAreUnique: Rule = (settings, places, report) => {
  for (const group of settings.local_address_group) {
    const items = group.lines.flatMap((line) =>
      (addressesInRange(line, MAX_LOCAL_ADDRESSES) ?? []).map((key) => ({ key, at: places.of(line) })),
    )
    reportRepeats(items, report, 'repeated-address', (name) => `local address ${name} is given twice`)
  }
}

export const serverRules: readonly Rule[] = [
  localAddressesFit,
  localAddressesAreUnique,
  accessListsAreClear,
  markedPacketsHavePassedTheFirewall,
  virtualServersAreUnique,
  virtualServersSayTheirProtocol,
  marksNameNoPort,
  everyPortNeedsPersistence,
  noPersistenceIsNone,
  ...groupRules,
  slowStartsHaveAnEffect,
  flapsCanBeSeen,
  virtualServersHaveServers,
  realServersAreUnique,
  theSorryServerIsAnother,
  methodsReachTheServers,
  directRoutingKeepsThePort,
  quorumCanBeReached,
  someWeightIsAboveZero,
  thresholdsAreInOrder,
  oneByOneIsForUdp,
  callsAreOfUdp,
  tunnelsSayTheirPort,
  alphaNeedsAChecker,
  checkersAreComplete,
  agentsAreNotAlone,
  checksHaveAPort,
]
