import { endpointName, virtualServerName } from './model.ts'
import type { GroupDraft, InstanceDraft } from './keywords/vrrp.ts'
import type { VirtualServerDraft } from './keywords/virtual-server.ts'
import type { Report } from './schema.ts'
import type { Span } from './source.ts'

/** A configuration as its blocks say it, before defaults. */
export interface ConfigDraft {
  readonly vrrpVersion: 2 | 3
  readonly instances: readonly InstanceDraft[]
  readonly groups: readonly GroupDraft[]
  readonly virtualServers: readonly VirtualServerDraft[]
}

/** A sentence that must hold across keywords or blocks. */
export type Rule = (config: ConfigDraft, report: Report) => void

const reportRepeats = (
  items: readonly { readonly key: string; readonly at: Span }[],
  report: Report,
  message: (key: string) => string,
): void => {
  const seen = new Set<string>()
  for (const { key, at } of items) {
    if (seen.has(key)) report('rule', at, message(key))
    seen.add(key)
  }
}

const namesAreUnique: Rule = (config, report) => {
  const items = config.instances.map(({ name, at }) => ({ key: name, at }))
  reportRepeats(items, report, (name) => `another vrrp_instance is named \`${name}\``)
}

const instancesSayInterfaceAndRouterId: Rule = (config, report) => {
  for (const { name, at, ...instance } of config.instances) {
    if (instance.interface === undefined) report('missing-keyword', at, `\`${name}\` needs \`interface\``)
    if (instance.vrid === undefined) report('missing-keyword', at, `\`${name}\` needs \`virtual_router_id\``)
  }
}

const instancesHaveAnAddress: Rule = (config, report) => {
  for (const { name, at, addresses } of config.instances) {
    if (addresses.length === 0) report('missing-keyword', at, `\`${name}\` needs a \`virtual_ipaddress\``)
    if (addresses.length > 255)
      report('rule', at, 'an advert holds at most 255 addresses; use virtual_ipaddress_excluded')
  }
}

const routerIdsAreUniqueOnAnInterface: Rule = (config, report) => {
  const items = config.instances.flatMap(({ vrid, interface: on, at }) =>
    vrid === undefined || on === undefined ? [] : [{ key: `virtual_router_id ${vrid} on ${on}`, at }],
  )
  reportRepeats(items, report, (key) => `another instance has ${key}`)
}

const addressesAreUnique: Rule = (config, report) => {
  const items = config.instances.flatMap(({ addresses, excludedAddresses }) =>
    [...addresses, ...excludedAddresses].map(({ address, at }) => ({ key: address, at })),
  )
  reportRepeats(items, report, (address) => `${address} is a virtual address already`)
}

const intervalsFitTheVersion: Rule = (config, report) => {
  for (const { advertInt, version = config.vrrpVersion } of config.instances) {
    if (advertInt === undefined) continue
    const { value, at } = advertInt
    if (version === 2 && value % 1000 !== 0) report('rule', at, 'version 2 takes whole seconds; use `version 3`')
    if (version === 3 && value > 40_950) report('rule', at, 'version 3 takes at most 40.95 seconds')
    if (version === 3 && value % 10 !== 0) report('rule', at, 'version 3 takes hundredths of a second')
  }
}

const authenticationIsOfVersion2: Rule = (config, report) => {
  for (const { authType, password, version = config.vrrpVersion } of config.instances) {
    if (authType === undefined) continue
    if (version === 3) report('rule', authType.at, 'VRRPv3 has no authentication (RFC 9568 §9)')
    if (password === undefined) report('missing-keyword', authType.at, '`auth_type PASS` needs `auth_pass`')
  }
}

const preemptionFitsThePriority: Rule = (config, report) => {
  for (const { at, preempt, state, priority } of config.instances) {
    if (!preempt && (state === 'MASTER' || priority === 255)) {
      report('rule', at, '`nopreempt` has no effect with `state MASTER` or priority 255; use `state BACKUP`')
    }
  }
}

const groupMembersExistOnce: Rule = (config, report) => {
  const names = new Set(config.instances.map(({ name }) => name))
  const grouped = new Set<string>()
  for (const { members, at, name } of config.groups) {
    if (members.length === 0) report('missing-keyword', at, `sync group \`${name}\` has no members`)
    for (const member of members) {
      if (!names.has(member.text)) report('rule', member.at, `there is no vrrp_instance \`${member.text}\``)
      else if (grouped.has(member.text)) report('rule', member.at, `\`${member.text}\` is in a sync group already`)
      grouped.add(member.text)
    }
  }
}

const virtualServersAreUnique: Rule = (config, report) => {
  const items = config.virtualServers.flatMap(({ vip, protocol, at }) =>
    protocol === undefined ? [] : [{ key: virtualServerName({ vip, protocol }), at }],
  )
  reportRepeats(items, report, (name) => `another virtual_server is ${name}`)
}

const virtualServersSayTheirProtocol: Rule = (config, report) => {
  for (const { protocol, at } of config.virtualServers) {
    if (protocol === undefined) report('missing-keyword', at, 'virtual_server needs `protocol`')
  }
}

const realServersAreUnique: Rule = (config, report) => {
  for (const { realServers } of config.virtualServers) {
    const items = realServers.map(({ endpoint, at }) => ({ key: endpointName(endpoint), at }))
    reportRepeats(items, report, (name) => `real server ${name} stands here twice`)
  }
}

const directRoutingKeepsThePort: Rule = (config, report) => {
  for (const { method, vip, realServers } of config.virtualServers) {
    if (method !== 'DR') continue
    for (const { endpoint, at } of realServers) {
      if (endpoint.port !== vip.port) report('rule', at, `DR cannot change the port: use ${vip.port}, or method NAT`)
    }
  }
}

const quorumCanBeReached: Rule = (config, report) => {
  for (const { quorum, realServers, hysteresis = 0 } of config.virtualServers) {
    if (quorum === undefined) continue
    const total = realServers.reduce((sum, { weight = 1 }) => sum + weight, 0)
    if (quorum.value > total) report('rule', quorum.at, `the weights of all servers add up to ${total} only`)
    if (hysteresis >= quorum.value) report('rule', quorum.at, 'hysteresis must be below quorum')
  }
}

const checkersAreComplete: Rule = (config, report) => {
  for (const check of config.virtualServers.flatMap((server) => server.realServers.flatMap(({ checks }) => checks))) {
    if (check.type === 'HTTP_GET' && check.urls.length === 0) {
      report('missing-keyword', check.at, 'HTTP_GET needs a `url` block')
    }
  }
}

export const rules: readonly Rule[] = [
  namesAreUnique,
  instancesSayInterfaceAndRouterId,
  instancesHaveAnAddress,
  routerIdsAreUniqueOnAnInterface,
  addressesAreUnique,
  intervalsFitTheVersion,
  authenticationIsOfVersion2,
  preemptionFitsThePriority,
  groupMembersExistOnce,
  virtualServersAreUnique,
  virtualServersSayTheirProtocol,
  realServersAreUnique,
  directRoutingKeepsThePort,
  quorumCanBeReached,
  checkersAreComplete,
]
