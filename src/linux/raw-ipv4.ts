import { encodeIpHeader } from '../net/ip-header.ts'
import { type Ipv4, ipv4Bytes } from '../net/ipv4.ts'
import { AF_INET, int32, Socket, SOCK_RAW } from './socket.ts'

const IPPROTO_IP = 0
const IP_HDRINCL = 3
const IP_MULTICAST_IF = 32
const IP_MULTICAST_LOOP = 34
const IP_ADD_MEMBERSHIP = 35
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25
/** Room for a burst of adverts from 255 instances while this process does something else. */
const RECEIVE_BUFFER = 1 << 20

/** A raw socket for one IP protocol on one interface, a member of one multicast group there. */
export class RawIpv4Socket {
  readonly #socket: Socket
  readonly #protocol: number

  /** Throws SystemError. */
  constructor(device: { readonly name: string; readonly index: number }, protocol: number, group: Ipv4) {
    this.#protocol = protocol
    this.#socket = new Socket(`protocol ${protocol} on ${device.name}`, AF_INET, SOCK_RAW, protocol)
    const membership = new Uint8Array(12) // struct ip_mreqn
    membership.set(ipv4Bytes(group), 0)
    membership.set(int32(device.index), 8)
    this.#socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(device.name))
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)
    this.#socket.setOption(IPPROTO_IP, IP_HDRINCL, 1)
    this.#socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, membership)
    this.#socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0)
    this.#socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership)
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** Sends one packet with TTL 255 and internetwork-control precedence, as routing protocols do. */
  send(source: Ipv4, destination: Ipv4, payload: Uint8Array): Error | undefined {
    const header = encodeIpHeader({ source, destination, ttl: 255, protocol: this.#protocol, tos: 0xc0 })
    const address = new Uint8Array(16) // struct sockaddr_in
    address[0] = AF_INET
    address.set(ipv4Bytes(destination), 4)
    return this.#socket.send(Buffer.concat([header, payload]), address)
  }

  /** The next waiting packet, IP header included, or undefined. */
  receive(): Uint8Array | undefined {
    return this.#socket.receive()
  }

  close(): void {
    this.#socket.close()
  }
}
