import { constants } from 'node:os'
import { type Address, addressBits, addressBytes, ipv6At, isIpv4 } from '../net/address.ts'
import { type Ipv4, ipv4At, ipv4Bytes } from '../net/ipv4.ts'
import type { Mac } from '../net/arp.ts'
import type { Millis } from '../time.ts'
import { SystemError } from './libc.ts'
import {
  decodeAttributes,
  decodeNetlink,
  encodeNetlink,
  type NetlinkMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './netlink-message.ts'
import { AF_INET, AF_INET6, AF_NETLINK, Socket, SOCK_RAW } from './socket.ts'

/** A network interface as the kernel reports it. */
export interface Link {
  readonly index: number
  readonly name: string
  /** Administratively up and with a carrier. */
  readonly up: boolean
  readonly mac: Mac
  readonly mtu: number
  readonly kind: 'ethernet' | 'loopback' | 'other'
}

/** An IPv4 address on an interface. */
export interface InterfaceAddress {
  readonly index: number
  readonly address: Ipv4
  readonly prefix: number
  /** Not a secondary address of another one's subnet. */
  readonly primary: boolean
  /** The kernel takes it away by itself when its lifetime is over. */
  readonly expires: boolean
}

/** Where packets to a destination go. `gateway` is undefined when it is on the link. */
export interface Route {
  readonly ifindex: number
  readonly gateway: Address | undefined
  readonly local: boolean
  /** The destination is a network's broadcast address. */
  readonly broadcast: boolean
  /** The address that this host would send from. */
  readonly source: Address | undefined
  /** The route's own, if it has one (`ip route … mtu`). What the kernel has learned of the way is left out: it is for a time. */
  readonly mtu: number | undefined
}

export const NETLINK_ROUTE = 0
const RTM = {
  newLink: 16,
  getLink: 18,
  newAddr: 20,
  delAddr: 21,
  getAddr: 22,
  newRoute: 24,
  getRoute: 26,
  newNeighbour: 28,
} as const
const FLAG = { request: 1, ack: 4, dump: 0x300, replace: 0x100, create: 0x400, exclusive: 0x200 } as const
const IFLA = { address: 1, name: 3, mtu: 4 } as const
const IFA = { address: 1, local: 2, cacheInfo: 6 } as const
/** A lifetime without end. */
const FOREVER = 0xffffffff
const RTA = { dst: 1, oif: 4, gateway: 5, prefsrc: 7, metrics: 8, cacheInfo: 12 } as const
const RTAX_MTU = 2
const IFF_UP = 0x1
const IFF_RUNNING = 0x40
const IFF_LOWER_UP = 0x10000
const IFA_F_SECONDARY = 0x01
const ARPHRD_ETHER = 1
const ARPHRD_LOOPBACK = 772
const RTN_LOCAL = 2
const RTN_BROADCAST = 3
const NDA_DST = 1
const NTF_USE = 1
/** Of rtmsg's flags: the route is a copy with something that was learned. */
const RTM_F_CLONED = 0x200
/** Routes that are asked for in one message; the answers fit the socket's buffer. */
const ROUTES_AT_ONCE = 32

export function sockaddrNetlink(groups: number): Uint8Array {
  const address = new Uint8Array(12)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_NETLINK, true)
  view.setUint32(8, groups, true)
  return address
}

/** Requests to the kernel's routing tables, answered at once: rtnetlink replies while the request is being sent. */
export class Rtnetlink {
  readonly #socket = new Socket('rtnetlink', AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  #sequence = 0

  /** Throws SystemError. */
  links(): Link[] {
    return this.#dump(RTM.getLink, new Uint8Array(16)).flatMap((message) => decodeLink(message) ?? [])
  }

  /** The IPv4 addresses of all interfaces. Throws SystemError. */
  addresses(): InterfaceAddress[] {
    return this.#dump(RTM.getAddr, Uint8Array.of(AF_INET, 0, 0, 0, 0, 0, 0, 0)).flatMap(
      (message) => decodeAddress(message) ?? [],
    )
  }

  /** The addresses of both families that this host answers to. Throws SystemError. */
  ownAddresses(): Address[] {
    return this.#dump(RTM.getAddr, new Uint8Array(8)).flatMap((message) => decodeOwnAddress(message) ?? [])
  }

  /** Throws SystemError, with code EEXIST when the address is there already. */
  addAddress(index: number, address: Ipv4, prefix: number): void {
    this.#address(RTM.newAddr, FLAG.create | FLAG.exclusive, index, address, prefix)
  }

  /** Gives an address another lifetime, and adds it if it is not there. It is away at no time. Throws SystemError. */
  setLifetime(index: number, address: Ipv4, prefix: number, lifetime: Millis | 'forever'): void {
    const seconds = lifetime === 'forever' ? FOREVER : Math.ceil(lifetime / 1000)
    // struct ifa_cacheinfo: preferred, valid, created, updated
    const cacheInfo = new Uint8Array(Uint32Array.of(seconds, seconds, 0, 0).buffer)
    this.#address(RTM.newAddr, FLAG.create | FLAG.replace, index, address, prefix, [[IFA.cacheInfo, cacheInfo]])
  }

  /** Throws SystemError, with code EADDRNOTAVAIL when there is no such address. */
  deleteAddress(index: number, address: Ipv4, prefix: number): void {
    this.#address(RTM.delAddr, 0, index, address, prefix)
  }

  /** The kernel's answer to `ip route get`. Throws SystemError, with code ENETUNREACH when there is none. */
  route(to: Address): Route {
    const [message] = this.request(`find route to ${to}`, RTM.getRoute, 0, ...askRoute(to))
    if (message === undefined) throw new SystemError('find route to', to, constants.errno.ENETUNREACH)
    return decodeRoute(message)
  }

  /** The same for many, in few messages; undefined where there is none. Throws SystemError. */
  routes(to: readonly Address[]): readonly (Route | undefined)[] {
    const found = new Map<Address, Route>()
    for (let i = 0; i < to.length; i += ROUTES_AT_ONCE) this.#someRoutes(to.slice(i, i + ROUTES_AT_ONCE), found)
    return to.map((address) => found.get(address))
  }

  #someRoutes(to: readonly Address[], found: Map<Address, Route>): void {
    const first = this.#sequence + 1
    this.#sequence += to.length
    const requests = to.map((address, i) => encodeNetlink(RTM.getRoute, FLAG.request, first + i, ...askRoute(address)))
    const error = this.#socket.send(Buffer.concat(requests), sockaddrNetlink(0))
    if (error !== undefined) throw error
    for (let left = to.length; left > 0;) {
      const datagram = this.#socket.receive()
      if (datagram === undefined) throw new SystemError('find routes', 'by netlink', constants.errno.EAGAIN)
      for (const message of decodeNetlink(datagram)) {
        const address = to[message.sequence - first]
        if (address === undefined) continue // of an earlier request that failed halfway
        left--
        if (message.type === RTM.newRoute) found.set(address, decodeRoute(message))
      }
    }
  }

  /** Has the kernel look for a neighbour as if there were a packet for it: `ip neighbour … use`. Throws SystemError. */
  findNeighbour(index: number, address: Ipv4): void {
    const fixed = new Uint8Array(12) // struct ndmsg: family, 3 bytes of padding, interface, state, flags, type
    const view = new DataView(fixed.buffer)
    view.setUint8(0, AF_INET)
    view.setInt32(4, index, true)
    view.setUint8(10, NTF_USE)
    this.request(`look for ${address} on interface ${index}`, RTM.newNeighbour, FLAG.create | FLAG.ack, fixed, [
      [NDA_DST, ipv4Bytes(address)],
    ])
  }

  close(): void {
    this.#socket.close()
  }

  #address(
    type: number,
    flags: number,
    index: number,
    address: Ipv4,
    prefix: number,
    more: readonly (readonly [number, Uint8Array])[] = [],
  ): void {
    const fixed = new Uint8Array(8)
    const view = new DataView(fixed.buffer)
    view.setUint8(0, AF_INET)
    view.setUint8(1, prefix)
    view.setUint32(4, index, true)
    const bytes = ipv4Bytes(address)
    const verb = type === RTM.newAddr ? 'add' : 'delete'
    this.request(`${verb} address ${address}/${prefix} on interface ${index}`, type, flags | FLAG.ack, fixed, [
      [IFA.local, bytes],
      [IFA.address, bytes],
      ...more,
    ])
  }

  #dump(type: number, fixed: Uint8Array): NetlinkMessage[] {
    return this.request('list', type, FLAG.dump, fixed, [])
  }

  /** Any other request of rtnetlink(7). Returns the answers but the last one. Throws SystemError. */
  request(
    operation: string,
    type: number,
    flags: number,
    fixed: Uint8Array,
    attributes: readonly (readonly [number, Uint8Array])[],
  ): NetlinkMessage[] {
    const sequence = ++this.#sequence
    const error = this.#socket.send(
      encodeNetlink(type, FLAG.request | flags, sequence, fixed, attributes),
      sockaddrNetlink(0),
    )
    if (error !== undefined) throw error
    const answers: NetlinkMessage[] = []
    for (;;) {
      const datagram = this.#socket.receive()
      if (datagram === undefined) return answers
      for (const message of decodeNetlink(datagram)) {
        if (message.sequence !== sequence) continue
        if (message.type === NLMSG_DONE) return answers
        if (message.type === NLMSG_ERROR) {
          const errno = -message.body.getInt32(0, true)
          if (errno !== 0) throw new SystemError(operation, 'by netlink', errno)
          return answers
        }
        answers.push(message)
      }
    }
  }
}

const addressAt = (attribute: DataView): Address =>
  attribute.byteLength === 16 ? ipv6At(attribute, 0) : ipv4At(attribute, 0)

/** What follows the header of a request for a route. */
function askRoute(to: Address): [fixed: Uint8Array, attributes: [number, Uint8Array][]] {
  const fixed = new Uint8Array(12)
  fixed[0] = isIpv4(to) ? AF_INET : AF_INET6
  fixed[1] = addressBits(to)
  return [fixed, [[RTA.dst, addressBytes(to)]]]
}

function decodeRoute({ body }: NetlinkMessage): Route {
  const attributes = decodeAttributes(body, 12)
  const gateway = attributes.get(RTA.gateway)
  const source = attributes.get(RTA.prefsrc)
  const metrics = attributes.get(RTA.metrics)
  // Every answer about IPv4 is a copy; there, only what was learned comes to an end.
  const isLearned =
    body.getUint8(0) === AF_INET
      ? attributes.get(RTA.cacheInfo)?.getInt32(8, true) !== 0
      : (body.getUint32(8, true) & RTM_F_CLONED) !== 0
  return {
    ifindex: attributes.get(RTA.oif)?.getUint32(0, true) ?? 0,
    gateway: gateway === undefined ? undefined : addressAt(gateway),
    local: body.getUint8(7) === RTN_LOCAL,
    broadcast: body.getUint8(7) === RTN_BROADCAST,
    source: source === undefined ? undefined : addressAt(source),
    mtu:
      metrics === undefined || isLearned ? undefined : decodeAttributes(metrics, 0).get(RTAX_MTU)?.getUint32(0, true),
  }
}

export function decodeLink(message: NetlinkMessage): Link | undefined {
  if (message.type !== RTM.newLink || message.body.byteLength < 16) return undefined
  const attributes = decodeAttributes(message.body, 16)
  const name = attributes.get(IFLA.name)
  const mac = attributes.get(IFLA.address)
  const type = message.body.getUint16(2, true)
  const flags = message.body.getUint32(8, true)
  if (name === undefined) return undefined
  return {
    index: message.body.getInt32(4, true),
    name: Buffer.from(name.buffer, name.byteOffset, name.byteLength - 1).toString(),
    up: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    mac: mac?.byteLength === 6 ? Uint8Array.from(Buffer.from(mac.buffer, mac.byteOffset, 6)) : new Uint8Array(6),
    mtu: attributes.get(IFLA.mtu)?.getUint32(0, true) ?? 0,
    kind: type === ARPHRD_ETHER ? 'ethernet' : type === ARPHRD_LOOPBACK ? 'loopback' : 'other',
  }
}

function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  if (message.type !== RTM.newAddr || message.body.byteLength < 8) return undefined
  const attributes = decodeAttributes(message.body, 8)
  const address = attributes.get(IFA.local) ?? attributes.get(IFA.address)
  if (address === undefined || address.byteLength < 4) return undefined
  return {
    index: message.body.getUint32(4, true),
    address: ipv4At(address, 0),
    prefix: message.body.getUint8(1),
    primary: (message.body.getUint8(2) & IFA_F_SECONDARY) === 0,
    expires: (attributes.get(IFA.cacheInfo)?.getUint32(4, true) ?? FOREVER) !== FOREVER,
  }
}

function decodeOwnAddress(message: NetlinkMessage): Address | undefined {
  if (message.type !== RTM.newAddr || message.body.byteLength < 8) return undefined
  const attributes = decodeAttributes(message.body, 8)
  const address = attributes.get(IFA.local) ?? attributes.get(IFA.address)
  return address === undefined ? undefined : addressAt(address)
}
