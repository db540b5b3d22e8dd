import { ANY_INTERFACE, type Family, type ReceiveBuffer, type VrrpInstance } from '../../model/vrrp.ts'
import type { Device } from '../../linux/raw-ip.ts'
import type { Link } from '../../linux/rtnetlink.ts'
import type { Address } from '../../net/address.ts'
import type { Listeners } from '../../vrrp/advert-filter.ts'
import { AH_LENGTH, AH_PROTOCOL } from '../../vrrp/auth/ah.ts'
import { VRRP_PROTOCOL } from '../../vrrp/packet/advertisement.ts'

/** Room for a burst of adverts from 255 instances while this process does something else. */
const LEAST_BUFFER = 1 << 20
/** The kernel has twice as much, which has to be a number for it. */
const LARGEST_BUFFER = 1 << 30

/** A socket that there has to be, and who listens at it. */
export interface SocketPlan {
  /** A socket for each, whatever number of instances has it. */
  readonly key: string
  /** Of the instances that it is for. */
  readonly interface: string
  /** That of VRRP, or of AH. */
  readonly protocol: number
  /** For people. */
  readonly name: string
  /** Undefined: as routes say. */
  readonly device: Device | undefined
  /** Of instances without an interface, which share none: their source. */
  readonly boundTo: Address | undefined
  readonly family: Family
  readonly groups: ReadonlySet<Address>
  /** In bytes, as the kernel counts them. */
  readonly receiveBuffer: number
  readonly listeners: Listeners
}

/** Where the adverts of an instance go out and come in: interface and family, or the source of who has no interface. */
export const socketKey = ({ interface: device, vrf, family, source }: VrrpInstance): string =>
  device === ANY_INTERFACE ? `${source} ${vrf ?? ''}` : `${device} ${family}`

/** One for each key, if the interface is there. */
export function socketPlans(instances: readonly VrrpInstance[], links: readonly Link[]): readonly SocketPlan[] {
  const present = new Map(links.map((link) => [link.name, link]))
  return [...Map.groupBy(instances, socketKey)].flatMap(([key, here]) => {
    const [first] = here
    if (first === undefined) return []
    const name = first.interface === ANY_INTERFACE ? first.vrf : first.interface
    const link = name === undefined ? undefined : present.get(name)
    if (name !== undefined && link === undefined) return []
    // Also those with AH: a peer without it is to be told of.
    const plain = planOf(key, VRRP_PROTOCOL, first, link, here)
    const withAh = here.filter(({ authentication }) => authentication.type === 'ah')
    return withAh.length === 0 ? [plain] : [plain, planOf(`${key} ah`, AH_PROTOCOL, first, link, withAh)]
  })
}

function planOf(
  key: string,
  protocol: number,
  first: VrrpInstance,
  link: Link | undefined,
  here: readonly VrrpInstance[],
): SocketPlan {
  const { family } = first
  const inGroups = here.filter(({ unicastPeers }) => unicastPeers.length === 0)
  const wanted = here.reduce((sum, { receiveBuffer }) => sum + bufferBytes(receiveBuffer, link), 0)
  return {
    key,
    interface: first.interface,
    protocol,
    family,
    name: link?.name ?? 'any interface',
    device: link && { name: link.name, index: link.index },
    boundTo: first.interface === ANY_INTERFACE ? first.source : undefined,
    groups: new Set(inGroups.map(({ multicastGroup }) => multicastGroup)),
    receiveBuffer: Math.min(LARGEST_BUFFER, Math.max(LEAST_BUFFER, wanted)),
    listeners: {
      family,
      lead: protocol === AH_PROTOCOL ? AH_LENGTH : 0,
      vrids: new Set(here.map(({ vrid }) => vrid)),
      multicast: inGroups.length > 0,
      unicast: inGroups.length < here.length,
    },
  }
}

/** MTU of an interface that is not known. */
const USUAL_MTU = 1500

function bufferBytes(buffer: ReceiveBuffer | undefined, link: Link | undefined): number {
  if (buffer === undefined) return 0
  return buffer.of === 'bytes' ? buffer.bytes : buffer.packets * (link?.mtu ?? USUAL_MTU)
}
