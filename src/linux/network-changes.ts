import { addressText } from '../net/address.ts'
import { decodeAddress, type InterfaceAddress } from './address-message.ts'
import { SystemError } from './libc.ts'
import { decodeAttributes, decodeNetlink, type NetlinkMessage } from './netlink-message.ts'
import { decodeLink, type Link, NETLINK_ROUTE, sockaddrNetlink } from './rtnetlink.ts'
import { AF_INET, AF_INET6, AF_NETLINK, int32, Socket, SOCK_RAW } from './socket.ts'

/** Addresses from the first to the last, as `addressText` writes them. */
export interface AddressSpan {
  readonly first: string
  readonly last: string
}

/** What is another one than before. */
export type NetworkChange =
  /** `link` is undefined when it is gone. */
  | { readonly type: 'link'; readonly index: number; readonly link: Link | undefined }
  /** `address` is undefined when it cannot be read. */
  | {
      readonly type: 'address'
      readonly family: 4 | 6
      readonly address?: InterfaceAddress | undefined
      readonly isGone?: boolean
    }
  /** A route to these. */
  | { readonly type: 'route'; readonly to: AddressSpan }
  | { readonly type: 'rule' }
  /** More than is told one by one. */
  | { readonly type: 'anything' }

/** Multicast groups of route(7) netlink: links, and addresses, routes and rules of both families; neighbours excluded. */
const GROUPS = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000
const RTM = { newLink: 16, delLink: 17, newAddr: 20, delAddr: 21, newRoute: 24, delRoute: 25, newRule: 32, delRule: 33 }
const RTA_DST = 1
const SOL_SOCKET = 1
const SO_RCVBUF = 8
/** Messages that are looked at in one go. What comes beyond them is one change of anything. */
const AT_ONCE = 4096

/**
 * Says what has changed. Who is told that anything may have asks Rtnetlink again, so an overrun of the socket's buffer loses nothing.
 */
export class NetworkChanges {
  readonly #socket: Socket

  constructor() {
    this.#socket = new Socket('rtnetlink events', AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, int32(1 << 20))
    this.#socket.bind(sockaddrNetlink(GROUPS))
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** Takes what has arrived since the last call; none when nothing has changed. */
  drain(): readonly NetworkChange[] {
    const changes: NetworkChange[] = []
    for (let read = 0; read < AT_ONCE;) {
      try {
        const datagram = this.#socket.receive()
        if (datagram === undefined) return changes
        const messages = decodeNetlink(datagram)
        read += messages.length
        for (const message of messages) {
          const change = decodeChange(message)
          if (change !== undefined) changes.push(change)
        }
      } catch (error) {
        if (!(error instanceof SystemError) || error.code !== 'ENOBUFS') throw error
        changes.push({ type: 'anything' })
      }
    }
    return [{ type: 'anything' }]
  }

  close(): void {
    this.#socket.close()
  }
}

function decodeChange(message: NetlinkMessage): NetworkChange | undefined {
  const { type, body } = message
  if (body.byteLength < 8) return { type: 'anything' }
  switch (type) {
    case RTM.newLink:
    case RTM.delLink:
      return {
        type: 'link',
        index: body.getInt32(4, true),
        link: type === RTM.newLink ? decodeLink(message) : undefined,
      }
    case RTM.newAddr:
    case RTM.delAddr: {
      const family = familyOf(body)
      if (family === undefined) return undefined
      return { type: 'address', family, address: decodeAddress(message), isGone: type === RTM.delAddr }
    }
    case RTM.newRoute:
    case RTM.delRoute: {
      const family = familyOf(body)
      const to = decodeAttributes(body, 12).get(RTA_DST)
      return family === undefined ? undefined : { type: 'route', to: spanOf(family, body.getUint8(1), to) }
    }
    case RTM.newRule:
    case RTM.delRule:
      return { type: 'rule' }
    default:
      return undefined
  }
}

/** Undefined for what is no business of unicast, such as multicast routing. */
function familyOf(body: DataView): 4 | 6 | undefined {
  const family = body.getUint8(0)
  return family === AF_INET ? 4 : family === AF_INET6 ? 6 : undefined
}

/** The addresses of a prefix; `network` is absent when it is that of all of them. */
function spanOf(family: 4 | 6, length: number, network: DataView | undefined): AddressSpan {
  const bytes = family === 4 ? 4 : 16
  const [first, last] = [new Uint8Array(bytes), new Uint8Array(bytes).fill(0xff)]
  for (let i = 0; i < bytes; i++) {
    const free = Math.min(8, Math.max(0, 8 * (i + 1) - length))
    const byte = network !== undefined && i < network.byteLength ? network.getUint8(i) : 0
    first[i] = (byte >> free) << free
    last[i] = (first[i] ?? 0) | ((1 << free) - 1)
  }
  return { first: addressText(first), last: addressText(last) }
}
