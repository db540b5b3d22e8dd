import { encodeAttributes } from './netlink-message.ts'
import type { Rtnetlink } from './rtnetlink.ts'
import { AF_INET, AF_INET6, int32 } from './socket.ts'

const RTM = { newLink: 16, delLink: 17 } as const
const FLAG = { ack: 4, exclusive: 0x200, create: 0x400 } as const
const IFLA = { address: 1, name: 3, link: 5, linkInfo: 18, alias: 20, afSpec: 26, group: 27 } as const
const INFO = { kind: 1, data: 2 } as const
const IFLA_MACVLAN_MODE = 1
/** Frames of another host that has the same MAC reach the interface below as well; in private mode they do not. */
const MODE_BRIDGE = 4
const IFLA_INET_CONF = 1
const IFLA_INET6_ADDR_GEN_MODE = 8
const ADDR_GEN_MODE_NONE = 1
const IFF_UP = 0x1

/** Settings of an interface for IPv4 that netlink can change, with their numbers there (net.ipv4.conf). */
const DEVCONF = { rp_filter: 8, arp_filter: 13, arp_ignore: 19, promote_secondaries: 20, accept_local: 23 } as const
export type InterfaceSetting = keyof typeof DEVCONF

export interface Macvlan {
  readonly name: string
  readonly mac: Uint8Array
  /** What people read of it, `ip -d link`. */
  readonly alias: string
  readonly group: number | undefined
}

/** Makes one on top of an interface, down, and without an IPv6 address of its own. Throws SystemError. */
export function addMacvlan(rtnetlink: Rtnetlink, baseIndex: number, { name, mac, alias, group }: Macvlan): void {
  const data = encodeAttributes([[IFLA_MACVLAN_MODE, int32(MODE_BRIDGE)]])
  const info = encodeAttributes([
    [INFO.kind, Buffer.from('macvlan\0')],
    [INFO.data, data],
  ])
  rtnetlink.request(`add ${name}`, RTM.newLink, FLAG.create | FLAG.exclusive | FLAG.ack, linkHeader(0), [
    [IFLA.name, Buffer.from(`${name}\0`)],
    [IFLA.link, int32(baseIndex)],
    [IFLA.address, mac],
    [IFLA.linkInfo, info],
    ...(group === undefined ? [] : [[IFLA.group, int32(group)] as const]),
  ])
  // An address that is made of the MAC would be the same on all of its routers (RFC 9568 §7.4).
  const mode = encodeAttributes([[IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(ADDR_GEN_MODE_NONE)]])
  rtnetlink.request(`set up ${name}`, RTM.newLink, FLAG.ack, linkHeader(0), [
    [IFLA.name, Buffer.from(`${name}\0`)],
    [IFLA.alias, Buffer.from(alias)],
    [IFLA.afSpec, encodeAttributes([[AF_INET6, mode]])],
  ])
}

/** Throws SystemError. */
export function deleteLink(rtnetlink: Rtnetlink, index: number): void {
  rtnetlink.request(`delete interface ${index}`, RTM.delLink, FLAG.ack, linkHeader(index), [])
}

/** Puts an interface up, or down. Throws SystemError. */
export function setUp(rtnetlink: Rtnetlink, index: number, up: boolean): void {
  const header = linkHeader(index)
  const view = new DataView(header.buffer)
  view.setUint32(8, up ? IFF_UP : 0, true)
  view.setUint32(12, IFF_UP, true) // which flags are meant
  rtnetlink.request(`put interface ${index} ${up ? 'up' : 'down'}`, RTM.newLink, FLAG.ack, header, [])
}

/** Changes settings of an interface without /proc, which a sandbox may have made read-only. Throws SystemError. */
export function setInterface(
  rtnetlink: Rtnetlink,
  index: number,
  settings: Readonly<Partial<Record<InterfaceSetting, number>>>,
): void {
  const values = Object.entries(settings).map(
    ([name, value]) => [DEVCONF[name as InterfaceSetting], int32(value)] as const,
  )
  const conf = encodeAttributes([[IFLA_INET_CONF, encodeAttributes(values)]])
  rtnetlink.request(`change settings of interface ${index}`, RTM.newLink, FLAG.ack, linkHeader(index), [
    [IFLA.afSpec, encodeAttributes([[AF_INET, conf]])],
  ])
}

/** struct ifinfomsg: family, padding, type, index, flags, change. */
function linkHeader(index: number): Uint8Array {
  const header = new Uint8Array(16)
  new DataView(header.buffer).setInt32(4, index, true)
  return header
}
