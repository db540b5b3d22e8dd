import { constants } from 'node:os'
import { type Address, addressBits, addressBytes, ipv6At, isIpv4 } from '../net/address.ts'
import { ipv4At } from '../net/ipv4.ts'
import type { Mac } from '../net/arp.ts'
import {
  type AddressChange,
  addressChangeText,
  decodeAddress,
  encodeAddressChange,
  type InterfaceAddress,
} from './address-message.ts'
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
  /** Index of the interface that it is on top of, or is the other end of. */
  readonly base: number | undefined
  /** What somebody has written on it (`ip link … alias`). */
  readonly alias: string | undefined
  /** Of a VRF: its routing table. */
  readonly vrfTable: number | undefined
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
  getAddr: 22,
  newRoute: 24,
  getRoute: 26,
  newNeighbour: 28,
  getNeighbour: 30,
} as const
const FLAG = { request: 1, ack: 4, dump: 0x300, create: 0x400 } as const
const IFLA = { address: 1, name: 3, mtu: 4, link: 5, linkInfo: 18, alias: 20 } as const
/** Within IFLA_LINKINFO, and within the data of a VRF there. */
const LINK_INFO = { kind: 1, data: 2 } as const
const VRF_TABLE = 1
const RTA = { dst: 1, oif: 4, gateway: 5, prefsrc: 7, metrics: 8, cacheInfo: 12 } as const
const RTAX_MTU = 2
const IFF_UP = 0x1
const IFF_RUNNING = 0x40
const IFF_LOWER_UP = 0x10000
const ARPHRD_ETHER = 1
const ARPHRD_LOOPBACK = 772
const RTN_LOCAL = 2
const RTN_BROADCAST = 3
const NDA = { dst: 1, linkLayer: 2 } as const
/** States of a neighbour in which packets are sent to it: reachable, stale, delay, probe, noarp, permanent. */
const NUD_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80
const NTF_USE = 1
/** Of rtmsg's flags: the route is a copy with something that was learned. */
const RTM_F_CLONED = 0x200
/** Routes that are asked for in one message; the answers fit the socket's buffer. */
const ROUTES_AT_ONCE = 32
/** Changes of addresses in one message. */
const ADDRESSES_AT_ONCE = 64

interface Request {
  readonly type: number
  /** Besides that it is a request. */
  readonly flags: number
  readonly fixed: Uint8Array
  readonly attributes: readonly (readonly [number, Uint8Array])[]
}

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

  /** The addresses of both families of all interfaces. Throws SystemError. */
  addresses(): InterfaceAddress[] {
    return this.#dump(RTM.getAddr, new Uint8Array(8)).flatMap((message) => decodeAddress(message) ?? [])
  }

  /** Makes these changes in few system calls. What became of each: undefined, or why not. Throws SystemError when none can be asked for. */
  changeAddresses(changes: readonly AddressChange[]): readonly (SystemError | undefined)[] {
    return inGroups(changes, ADDRESSES_AT_ONCE).flatMap((group) => this.#changeSome(group))
  }

  #changeSome(changes: readonly AddressChange[]): readonly (SystemError | undefined)[] {
    const errors = new Map<number, number>()
    const requests = changes.map((change) => {
      const [type, flags, fixed, attributes] = encodeAddressChange(change)
      return { type, flags: FLAG.ack | flags, fixed, attributes }
    })
    this.#together(requests, (i, { type, body }) => {
      if (type !== NLMSG_ERROR) return false
      errors.set(i, -body.getInt32(0, true))
      return true
    })
    return changes.map((change, i) => {
      const errno = errors.get(i) ?? 0
      return errno === 0 ? undefined : new SystemError(addressChangeText(change), 'by netlink', errno)
    })
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
    for (const some of inGroups(to, ROUTES_AT_ONCE)) this.#someRoutes(some, found)
    return to.map((address) => found.get(address))
  }

  #someRoutes(to: readonly Address[], found: Map<Address, Route>): void {
    const requests = to.map((address) => {
      const [fixed, attributes] = askRoute(address)
      return { type: RTM.getRoute, flags: 0, fixed, attributes }
    })
    this.#together(requests, (i, message) => {
      const address = to[i]
      if (address !== undefined && message.type === RTM.newRoute) found.set(address, decodeRoute(message))
      return true
    })
  }

  /** Sends several requests as one datagram. `take` gets each answer by the place of its request, and says whether it is the last one. */
  #together(requests: readonly Request[], take: (place: number, answer: NetlinkMessage) => boolean): void {
    const first = this.#sequence + 1
    this.#sequence += requests.length
    const bytes = requests.map(({ type, flags, fixed, attributes }, i) =>
      encodeNetlink(type, FLAG.request | flags, first + i, fixed, attributes),
    )
    const error = this.#socket.send(Buffer.concat(bytes), sockaddrNetlink(0))
    if (error !== undefined) throw error
    for (let left = requests.length; left > 0;) {
      const datagram = this.#socket.receive()
      if (datagram === undefined) throw new SystemError('ask', 'by netlink', constants.errno.EAGAIN)
      for (const message of decodeNetlink(datagram)) {
        const place = message.sequence - first
        // Not of an earlier request that failed halfway.
        if (place >= 0 && place < requests.length && take(place, message)) left--
      }
    }
  }

  /** Has the kernel look for a neighbour as if there were a packet for it: `ip neighbour … use`. Throws SystemError. */
  findNeighbour(index: number, address: Address): void {
    const asked = askNeighbour(index, address, NTF_USE)
    this.request(`look for ${address} on interface ${index}`, RTM.newNeighbour, FLAG.create | FLAG.ack, ...asked)
  }

  /** The MAC that packets to a neighbour go to, as the kernel has it: Linux 5.0. Undefined when it has none. Throws SystemError. */
  neighbour(index: number, address: Address): Mac | undefined {
    try {
      const asked = askNeighbour(index, address, 0)
      const [message] = this.request(`ask for ${address} on interface ${index}`, RTM.getNeighbour, 0, ...asked)
      return message && decodeNeighbour(message)
    } catch (error) {
      if (error instanceof SystemError && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  close(): void {
    this.#socket.close()
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

const inGroups = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

const familyOf = (address: Address): number => (isIpv4(address) ? AF_INET : AF_INET6)

const addressAt = (attribute: DataView): Address =>
  attribute.byteLength === 16 ? ipv6At(attribute, 0) : ipv4At(attribute, 0)

/** What follows the header of a request for a route. */
function askRoute(to: Address): [fixed: Uint8Array, attributes: [number, Uint8Array][]] {
  const fixed = new Uint8Array(12)
  fixed[0] = familyOf(to)
  fixed[1] = addressBits(to)
  return [fixed, [[RTA.dst, addressBytes(to)]]]
}

/** What follows the header of a request about a neighbour. */
function askNeighbour(index: number, address: Address, flags: number): [Uint8Array, [number, Uint8Array][]] {
  const fixed = new Uint8Array(12) // struct ndmsg: family, 3 bytes of padding, interface, state, flags, type
  const view = new DataView(fixed.buffer)
  view.setUint8(0, isIpv4(address) ? AF_INET : AF_INET6)
  view.setInt32(4, index, true)
  view.setUint8(10, flags)
  return [fixed, [[NDA.dst, addressBytes(address)]]]
}

function decodeNeighbour({ type, body }: NetlinkMessage): Mac | undefined {
  if (type !== RTM.newNeighbour || body.byteLength < 12 || (body.getUint16(8, true) & NUD_VALID) === 0) return undefined
  const mac = decodeAttributes(body, 12).get(NDA.linkLayer)
  return mac?.byteLength === 6 ? Uint8Array.from(Buffer.from(mac.buffer, mac.byteOffset, 6)) : undefined
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
  const alias = attributes.get(IFLA.alias)
  const mac = attributes.get(IFLA.address)
  const type = message.body.getUint16(2, true)
  const flags = message.body.getUint32(8, true)
  if (name === undefined) return undefined
  return {
    index: message.body.getInt32(4, true),
    name: textAt(name),
    base: attributes.get(IFLA.link)?.getInt32(0, true),
    alias: alias === undefined ? undefined : textAt(alias),
    up: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    mac: mac?.byteLength === 6 ? Uint8Array.from(Buffer.from(mac.buffer, mac.byteOffset, 6)) : new Uint8Array(6),
    mtu: attributes.get(IFLA.mtu)?.getUint32(0, true) ?? 0,
    vrfTable: vrfTableOf(attributes.get(IFLA.linkInfo)),
    kind: type === ARPHRD_ETHER ? 'ethernet' : type === ARPHRD_LOOPBACK ? 'loopback' : 'other',
  }
}

/** Without the zero at its end. */
const textAt = ({ buffer, byteOffset, byteLength }: DataView): string =>
  Buffer.from(buffer, byteOffset, byteLength - 1).toString()

/** Undefined of an interface that is no VRF. */
function vrfTableOf(linkInfo: DataView | undefined): number | undefined {
  const info = linkInfo && decodeAttributes(linkInfo, 0)
  const kind = info?.get(LINK_INFO.kind)
  const data = info?.get(LINK_INFO.data)
  if (kind === undefined || data === undefined) return undefined
  const name = Buffer.from(kind.buffer, kind.byteOffset, kind.byteLength).toString().replace('\0', '')
  return name === 'vrf' ? decodeAttributes(data, 0).get(VRF_TABLE)?.getUint32(0, true) : undefined
}
