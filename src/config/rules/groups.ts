import { isIpv4 } from '../../net/address.ts'
import { familyOf, MAX_GROUP_SERVICES, type Protocol, serviceName } from '../../model/service.ts'
import { memberServices, servicesOf } from '../compile/services.ts'
import type { Settings, VirtualServerSettings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import { placeText, type Span } from '../source.ts'
import type { Rule } from './rule.ts'

/** Whether it is a group of firewall marks alone, which take every protocol. */
export function isOfMarks({ id }: VirtualServerSettings, { virtual_server_group: groups }: Settings): boolean {
  const group = id.by === 'group' ? groups.find((each) => each.id === id.group) : undefined
  return group !== undefined && group.lines.length > 0 && group.lines.every(({ by }) => by === 'fwmark')
}

const groupsExist: Rule = (settings, places, report) => {
  const names = new Set(settings.virtual_server_group.map(({ id }) => id))
  for (const server of settings.virtual_server) {
    if (server.id.by !== 'group' || names.has(server.id.group)) continue
    report('unknown-name', places.of(server), `there is no virtual_server_group \`${server.id.group}\``)
  }
}

const groupsAreOfUse: Rule = (settings, places, report) => {
  const used = new Set(settings.virtual_server.flatMap(({ id }) => (id.by === 'group' ? [id.group] : [])))
  for (const group of settings.virtual_server_group) {
    if (!used.has(group.id)) report('unused', places.of(group), `no virtual_server uses the group \`${group.id}\``)
    if (group.lines.length === 0 && !places.broken(settings, 'virtual_server_group'))
      report('unused', places.of(group), `the group \`${group.id}\` is empty`)
  }
}

/** Each address of a group is a service of the core. */
const groupsFit: Rule = (settings, places, report) => {
  for (const group of settings.virtual_server_group) {
    let count = 0
    for (const line of group.lines) {
      const services = memberServices(line, 'TCP')
      if (services === undefined || count + services.length > MAX_GROUP_SERVICES) {
        const message = `a group holds 1 to ${MAX_GROUP_SERVICES} addresses and marks, each of them a service of its own`
        report(
          'too-many',
          places.of(line),
          message,
          'a range begins with its first address; use a firewall mark for a whole network',
        )
        break
      }
      count += services.length
    }
  }
}

/** An address and port, or a mark, of two virtual servers. Those that are written alike without a group are told by another rule. */
const servicesAreUnique: Rule = (settings, places, report) => {
  const owners = new Map<string, { readonly server: VirtualServerSettings; readonly at: Span }>()
  for (const server of settings.virtual_server) {
    for (const { name, at } of namedServices(server, settings, places)) {
      const first = owners.get(name)
      if (first === undefined) {
        owners.set(name, { server, at })
        continue
      }
      const same = first.server === server
      if (!same && first.server.id.by !== 'group' && server.id.by !== 'group') continue
      // Where the same group is used by two, all of it is theirs: the name of the group says so once.
      if (!same && first.at === at) continue
      if (same) report('repeated-address', at, `${name} is in this group twice, at ${placeText(first.at)}, too`)
      else report('duplicate-server', at, `${name} belongs to another virtual_server, too, at ${placeText(first.at)}`)
    }
  }
}

/** The services of a virtual server, and where each is written. */
function namedServices(
  server: VirtualServerSettings,
  settings: Settings,
  places: Places,
): readonly { readonly name: string; readonly at: Span }[] {
  const { id } = server
  if (id.by !== 'group')
    return servicesOf(server, settings).map((each) => ({ name: serviceName(each), at: places.of(server) }))
  const group = settings.virtual_server_group.find((each) => each.id === id.group)
  const protocol: Protocol = server.protocol ?? 'TCP'
  return (group?.lines ?? []).flatMap((line) =>
    (memberServices(line, protocol) ?? []).map((each) => ({ name: serviceName(each), at: places.of(line) })),
  )
}

/** A tunnel alone takes a packet to a server of the other family. */
const groupsReachTheirServers: Rule = (settings, places, report) => {
  for (const server of settings.virtual_server) {
    if (server.id.by !== 'group') continue
    const families = new Set(servicesOf(server, settings).map(familyOf))
    for (const real of server.real_server) {
      const { method } = real.lvs_method ?? server.lvs_method
      if (real.id.address === undefined) continue
      const other = isIpv4(real.id.address) ? 'inet6' : 'inet'
      if (method === 'TUN' || !families.has(other)) continue
      const message = `the group has ${other === 'inet' ? 'IPv4' : 'IPv6'} addresses or marks, too, and ${method} cannot reach a server of the other family`
      report('mixed-families', places.of(real), message, 'make a group for each family, or use TUN')
    }
  }
}

const groupsHaveTheirMarks: Rule = (settings, places, report) => {
  for (const server of settings.virtual_server) {
    if (server.id.by !== 'group' || server.mark.length === 0) continue
    const message = '`mark` is for one firewall mark; this has no effect'
    report('ignored-value', places.of(server, 'mark'), message, 'put the addresses into the group')
  }
}

export const groupRules: readonly Rule[] = [
  groupsExist,
  groupsAreOfUse,
  groupsFit,
  servicesAreUnique,
  groupsReachTheirServers,
  groupsHaveTheirMarks,
]
