import type { Endpoint } from '../../model/endpoint.ts'
import { groupName, MAX_GROUP_SERVICES, type Protocol, type ServiceId, serviceName } from '../../model/service.ts'
import { addressesInRange } from '../../net/address-range.ts'
import type { Settings, VirtualServerSettings } from '../keywords/root.ts'
import type { GroupMember } from '../keywords/virtual-server.ts'
import { markFamilyOf } from '../mark-family.ts'

/** The services that a virtual server is: one, or each of its group once, in the order of the file. */
export function servicesOf(server: VirtualServerSettings, settings: Settings): readonly ServiceId[] {
  const { id, protocol = 'TCP' } = server
  switch (id.by) {
    case 'address':
      return [{ by: 'address', vip: { address: id.address, port: id.port ?? 0 }, protocol }]
    case 'fwmark':
      return [{ by: 'fwmark', mark: id.fwmark, family: markFamilyOf(server) }]
    case 'group': {
      const group = settings.virtual_server_group.find((each) => each.id === id.group)
      const all = group?.lines.flatMap((line) => memberServices(line, protocol) ?? []) ?? []
      return [...new Map(all.map((each) => [serviceName(each), each])).values()]
    }
  }
}

/** The services of a line of a group; undefined when they are too many for one, or the last address is before the first. */
export function memberServices(line: GroupMember, protocol: Protocol): readonly ServiceId[] | undefined {
  if (line.by === 'fwmark') return [{ by: 'fwmark', mark: line.fwmark, family: line.family }]
  const { port = 0 } = line
  return addressesInRange(line, MAX_GROUP_SERVICES)?.map((address) => ({
    by: 'address',
    vip: { address, port },
    protocol,
  }))
}

/** Where clients find a virtual server, of a group the first of its addresses; undefined: by marks alone. */
export function virtualEndpointOf(services: readonly ServiceId[]): Endpoint | undefined {
  const found = services.find((id) => id.by === 'address')
  return found?.vip
}

export function nameOf({ id, protocol }: VirtualServerSettings, [first]: readonly ServiceId[]): string {
  if (id.by === 'group') return groupName(id.group, protocol)
  if (first === undefined) throw new Error('a virtual server without a group is one service')
  return serviceName(first)
}
