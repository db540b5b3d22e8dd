import { constants } from 'node:os'
import { type Address, addressBytes, isIpv4, ipv6At } from '../net/address.ts'
import { ipv4At } from '../net/ipv4.ts'
import { calls, fixedMemory, lastErrno, SystemError } from './libc.ts'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket } from './socket.ts'

const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_RCVBUF = 8
const IPPROTO_IP = 0
const IP_TOS = 1
const IP_TTL = 2
const IP_PKTINFO = 8
const IP_RECVTTL = 12
const IP_FREEBIND = 15
const IPPROTO_IPV6 = 41
const IPV6_UNICAST_HOPS = 16
const IPV6_V6ONLY = 26
const IPV6_RECVPKTINFO = 49
const IPV6_PKTINFO = 50
const IPV6_RECVHOPLIMIT = 51
const IPV6_HOPLIMIT = 52
const IPV6_TCLASS = 67
const IPV6_FREEBIND = 78
const MSG_DONTWAIT = 0x40
const ROOM_FOR_A_BURST = 1 << 18

export type Family = 'IPv4' | 'IPv6'

/** A datagram with what its IP header said. */
export interface Datagram {
  readonly bytes: Uint8Array
  readonly source: Address
  readonly destination: Address
  /** TTL or hop limit as it came in. */
  readonly ttl: number
}

/** What is longer is cut: nothing that is read here is. */
const DATA_LIMIT = 2048
/** Where the parts lie that struct msghdr names: the sender's address, one struct iovec, control messages, the data. */
const LAYOUT = { header: 0, name: 64, vector: 96, control: 112, data: 512 } as const
const CONTROL_LIMIT = LAYOUT.data - LAYOUT.control
const NAME_LIMIT = 28 // struct sockaddr_in6

/** A UDP port of this host, on all addresses of one family, with the TTL and the destination of each datagram. */
export class UdpReceiver {
  readonly #socket: Socket
  readonly #family: Family
  readonly #name: string

  /** Nobody else may have the port: what comes would be for one of the two. Throws SystemError. */
  constructor(family: Family, port: number) {
    this.#family = family
    this.#name = `UDP port ${port} of ${family}`
    this.#socket = new Socket(this.#name, domainOf(family), SOCK_DGRAM, 0)
    try {
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, ROOM_FOR_A_BURST)
      if (family === 'IPv4') {
        this.#socket.setOption(IPPROTO_IP, IP_RECVTTL, 1)
        this.#socket.setOption(IPPROTO_IP, IP_PKTINFO, 1)
      } else {
        this.#socket.setOption(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        this.#socket.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        this.#socket.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
      }
      this.#socket.bind(socketAddress(family, undefined, port))
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** The next waiting datagram, or undefined when there is none. Throws SystemError on anything else. */
  receive(): Datagram | undefined {
    const { pointer, view, bytes } = receiving()
    for (;;) {
      view.setUint32(LAYOUT.header + 8, NAME_LIMIT, true)
      view.setBigUint64(LAYOUT.header + 40, BigInt(CONTROL_LIMIT), true)
      const length = Number(calls.recvmsg(this.fd, pointer, MSG_DONTWAIT))
      if (length >= 0) {
        const isOld = this.#family === 'IPv4'
        const source = isOld ? ipv4At(view, LAYOUT.name + 4) : ipv6At(view, LAYOUT.name + 8)
        return { bytes: bytes.slice(LAYOUT.data, LAYOUT.data + length), source, ...headerFields(view, source) }
      }
      const errno = lastErrno()
      if (errno === constants.errno.EAGAIN) return undefined
      if (errno !== constants.errno.EINTR) throw new SystemError('receive from', this.#name, errno)
    }
  }

  close(): void {
    this.#socket.close()
  }
}

/** Sends to one address from a port that stays the same, with internetwork-control precedence. */
export class UdpSender {
  readonly #socket: Socket
  readonly #to: Uint8Array
  readonly #family: Family

  /** `source`: it need not be there yet. Throws SystemError. */
  constructor(
    from: { readonly source: Address | undefined; readonly port: number },
    to: { readonly address: Address; readonly port: number },
  ) {
    const family = familyOf(to.address)
    this.#family = family
    this.#to = socketAddress(family, to.address, to.port)
    this.#socket = new Socket(`UDP to ${to.address} from port ${from.port}`, domainOf(family), SOCK_DGRAM, 0)
    try {
      // A process that takes over has the port of the one before.
      this.#socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
      // Nobody has to send here.
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, 0)
      if (family === 'IPv4') this.#socket.setOption(IPPROTO_IP, IP_TOS, 0xc0)
      else this.#socket.setOption(IPPROTO_IPV6, IPV6_TCLASS, 0xc0)
      if (family === 'IPv4') this.#socket.setOption(IPPROTO_IP, IP_FREEBIND, 1)
      else this.#socket.setOption(IPPROTO_IPV6, IPV6_FREEBIND, 1)
      this.#socket.bind(socketAddress(family, from.source, from.port))
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  setTtl(ttl: number): void {
    if (this.#family === 'IPv4') this.#socket.setOption(IPPROTO_IP, IP_TTL, ttl)
    else this.#socket.setOption(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
  }

  /** Returns the error instead of throwing: a lost datagram is an event, not a bug. */
  send(bytes: Uint8Array): SystemError | undefined {
    return this.#socket.send(bytes, this.#to)
  }

  close(): void {
    this.#socket.close()
  }
}

export const familyOf = (address: Address): Family => (isIpv4(address) ? 'IPv4' : 'IPv6')

const domainOf = (family: Family): number => (family === 'IPv4' ? AF_INET : AF_INET6)

/** struct sockaddr_in or sockaddr_in6; without an address: any. */
export function socketAddress(family: Family, address: Address | undefined, port: number): Uint8Array {
  const bytes = new Uint8Array(family === 'IPv4' ? 16 : NAME_LIMIT)
  bytes[0] = domainOf(family)
  new DataView(bytes.buffer).setUint16(2, port)
  if (address !== undefined) bytes.set(addressBytes(address), family === 'IPv4' ? 4 : 8)
  return bytes
}

/** struct msghdr and all that it names, one for all sockets: what was received is copied out. */
let buffers: { readonly pointer: unknown; readonly view: DataView; readonly bytes: Uint8Array } | undefined

function receiving(): NonNullable<typeof buffers> {
  if (buffers !== undefined) return buffers
  const { pointer, address, bytes } = fixedMemory(LAYOUT.data + DATA_LIMIT)
  bytes.fill(0)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(LAYOUT.header, address + BigInt(LAYOUT.name), true)
  view.setBigUint64(LAYOUT.header + 16, address + BigInt(LAYOUT.vector), true)
  view.setBigUint64(LAYOUT.header + 24, 1n, true)
  view.setBigUint64(LAYOUT.header + 32, address + BigInt(LAYOUT.control), true)
  view.setBigUint64(LAYOUT.vector, address + BigInt(LAYOUT.data), true)
  view.setBigUint64(LAYOUT.vector + 8, BigInt(DATA_LIMIT), true)
  buffers = { pointer, view, bytes }
  return buffers
}

/** From the control messages: struct cmsghdr (length, level, type), and the data behind its 16 bytes. */
function headerFields(view: DataView, source: Address): Pick<Datagram, 'destination' | 'ttl'> {
  let destination = source
  let ttl = 0
  const end = LAYOUT.control + Number(view.getBigUint64(LAYOUT.header + 40, true))
  for (let at = LAYOUT.control; at + 16 <= end;) {
    const length = Number(view.getBigUint64(at, true))
    if (length < 16) break
    const [level, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)]
    if (level === IPPROTO_IP && type === IP_TTL) ttl = view.getInt32(at + 16, true)
    if (level === IPPROTO_IP && type === IP_PKTINFO) destination = ipv4At(view, at + 24)
    if (level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT) ttl = view.getInt32(at + 16, true)
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) destination = ipv6At(view, at + 16)
    at += Math.ceil(length / 8) * 8
  }
  return { destination, ttl }
}
