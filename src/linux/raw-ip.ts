import { type Address, addressBytes, ipv6At, isIpv4 } from '../net/address.ts'
import { encodeIpHeader } from '../net/ip-header.ts'
import { type IpPacket, ipv4Packet } from '../net/ip-packet.ts'
import type { Instruction } from '../net/packet-filter.ts'
import { calls, checked, lastErrno, SystemError } from './libc.ts'
import { type Message, MessageBatch, MESSAGES_AT_ONCE } from './message-batch.ts'
import { NativeMemory } from './native-memory.ts'
import { setPacketFilter } from './socket-filter.ts'
import { AF_INET, AF_INET6, int32, MSG_DONTWAIT, Socket, SOCK_RAW } from './socket.ts'

const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_PRIORITY = 12
const SO_BINDTODEVICE = 25
const SO_RCVBUFFORCE = 33
const SO_TIMESTAMPNS = 35
const SO_MEMINFO = 55
/** Of SO_MEMINFO's words: packets for which there was no room. */
const MEMINFO_DROPS = 8
const MEMINFO_SIZE = 36
const IP = {
  level: 0,
  hdrincl: 3,
  freebind: 15,
  multicastIf: 32,
  multicastLoop: 34,
  join: 35,
  leave: 36,
  multicastAll: 49,
} as const
const IPV6 = {
  level: 41,
  multicastIf: 17,
  multicastLoop: 19,
  join: 20,
  leave: 21,
  multicastAll: 29,
  recvPktinfo: 49,
  pktinfo: 50,
  recvHoplimit: 51,
  hoplimit: 52,
  tclass: 67,
  freebind: 78,
} as const
/** Internetwork control, as routing protocols have it: DSCP CS6. */
const TOS = 0xc0
/** TC_PRIO_CONTROL: the packet goes before all others of this host's queue. */
const PRIORITY = 7
const SOCKADDR_IN6 = 28
const MSGHDR = 56
/** Ancillary data to send: in6_pktinfo and the hop limit, each behind its header, padded to 8. */
const CONTROL = 40 + 24

/** A network interface; another index is another one. */
export interface Device {
  readonly name: string
  readonly index: number
}

export interface RawIpOptions {
  readonly protocol: number
  readonly family: 4 | 6
  /** It hears this interface only, or those of this VRF, and sends by it. Undefined: as routes say. */
  readonly device: Device | undefined
  /** It hears only what is sent to this address, which the host need not have yet, and is in no group. Undefined: to whatever address. */
  readonly boundTo: Address | undefined
  /** Adverts to groups come in only of its own, or also of those that any other socket of this host is a member of. */
  readonly groups: 'own' | 'any'
  /** So many bytes of received packets wait, as the kernel counts them. */
  readonly receiveBuffer: number
  /** What it gets of that, from its first packet on. */
  readonly filter: readonly Instruction[]
}

/** A packet of this protocol, and when the kernel got it: in ms since the epoch, as the wall clock was then. */
export interface ReceivedPacket extends IpPacket {
  readonly stampedAt: number | undefined
}

/** Linux makes up the identification of an IPv4 header if it is 0. */
export interface PacketToSend {
  readonly source: Address
  readonly destination: Address
  /** 0 to 255. */
  readonly ttl: number
  readonly tos: number
  readonly protocol: number
  readonly identification: number
  readonly payload: Uint8Array
}

let batch: MessageBatch | undefined
let outgoing: Outgoing | undefined

/** A raw socket for one IP protocol of one family. */
export class RawIpSocket {
  readonly #socket: Socket
  readonly #options: RawIpOptions
  readonly #name: string
  readonly #groups = new Set<Address>()

  /** Throws SystemError. */
  constructor(options: RawIpOptions) {
    const { protocol, family, device } = options
    this.#options = options
    this.#name = `protocol ${protocol} of IPv${family} on ${device?.name ?? 'any interface'}`
    this.#socket = new Socket(this.#name, family === 4 ? AF_INET : AF_INET6, SOCK_RAW, protocol)
    try {
      this.#configure()
      // What came in before it was bound and had its filter, from wherever.
      while (!this.receive(MESSAGES_AT_ONCE).isAll);
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  get fd(): number {
    return this.#socket.fd
  }

  /**
   * Packets that came in while there was no room, since the socket was opened; modulo 2³². Linux looks at the room before it looks at the
   * filter: those that this would have kept out are among them.
   */
  get lost(): number {
    const words = Buffer.alloc(MEMINFO_SIZE)
    const result = calls.getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, words, [words.length])
    checked(result, 'ask for the losses of', this.#name)
    return words.readUInt32LE(4 * MEMINFO_DROPS)
  }

  setFilter(filter: readonly Instruction[]): void {
    setPacketFilter(this.#socket, filter)
  }

  /** Is a member of exactly these groups from now on. Throws SystemError. */
  follow(groups: ReadonlySet<Address>): void {
    for (const group of [...this.#groups].filter((each) => !groups.has(each))) {
      this.#member(this.#options.family === 4 ? IP.leave : IPV6.leave, group)
      this.#groups.delete(group)
    }
    for (const group of [...groups].filter((each) => !this.#groups.has(each))) {
      this.#member(this.#options.family === 4 ? IP.join : IPV6.join, group)
      this.#groups.add(group)
    }
  }

  /** Sends one packet: of IPv4 of whatever protocol, of IPv6 of its own, with internetwork-control precedence in any case. */
  send({ source, destination, ttl, tos, protocol, identification, payload }: PacketToSend): Error | undefined {
    if (isIpv4(destination) && isIpv4(source)) {
      const header = encodeIpHeader({ source, destination, ttl, protocol, tos, identification })
      return this.#socket.send(Buffer.concat([header, payload]), sockaddrIn(destination))
    }
    outgoing ??= new Outgoing()
    const errno = outgoing.send(
      this.fd,
      source,
      destination,
      this.#options.boundTo === undefined ? (this.#options.device?.index ?? 0) : 0,
      ttl,
      payload,
    )
    return errno === undefined ? undefined : new SystemError('send to', this.#name, errno)
  }

  /** The next waiting packets, at most `limit`, and whether more may wait. Throws SystemError. */
  receive(limit: number): { readonly packets: readonly ReceivedPacket[]; readonly isAll: boolean } {
    batch ??= new MessageBatch()
    const messages = batch.receive(this.fd, this.#name, limit)
    const packets = messages.flatMap(
      (message) => (this.#options.family === 4 ? received(message) : ipv6Packet(message)) ?? [],
    )
    return { packets, isAll: messages.length < Math.min(limit, MESSAGES_AT_ONCE) }
  }

  close(): void {
    this.#socket.close()
  }

  #configure(): void {
    const { family, device, boundTo, groups, receiveBuffer, filter } = this.#options
    const set = (level: number, option: number, value: Uint8Array | number) =>
      this.#socket.setOption(level, option, value)
    this.setFilter(filter)
    if (device !== undefined) set(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(device.name))
    this.makeRoom(receiveBuffer)
    set(SOL_SOCKET, SO_TIMESTAMPNS, 1)
    set(SOL_SOCKET, SO_PRIORITY, PRIORITY)
    switch (family) {
      case 4:
        set(IP.level, IP.hdrincl, 1)
        set(IP.level, IP.multicastLoop, 0)
        set(IP.level, IP.multicastAll, groups === 'any' ? 1 : 0)
        if (device !== undefined) set(IP.level, IP.multicastIf, ipMreqn(new Uint8Array(4), device))
        if (boundTo !== undefined) {
          set(IP.level, IP.freebind, 1)
          this.#socket.bind(sockaddrIn(boundTo))
        }
        break
      case 6:
        set(IPV6.level, IPV6.multicastLoop, 0)
        set(IPV6.level, IPV6.multicastAll, groups === 'any' ? 1 : 0)
        set(IPV6.level, IPV6.recvPktinfo, 1)
        set(IPV6.level, IPV6.recvHoplimit, 1)
        set(IPV6.level, IPV6.tclass, TOS)
        if (device !== undefined) set(IPV6.level, IPV6.multicastIf, device.index)
        if (boundTo !== undefined) {
          set(IPV6.level, IPV6.freebind, 1)
          this.#socket.bind(new Uint8Array(sockaddrIn6(boundTo, 0).buffer))
        }
        break
    }
  }

  /** Changes how many bytes of received packets may wait, as the kernel counts them. Throws SystemError. */
  makeRoom(bytes: number): void {
    try {
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      // Without CAP_NET_ADMIN the host's limit holds.
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, bytes)
    }
  }

  #member(option: number, group: Address): void {
    const { family, device } = this.#options
    if (device === undefined) return
    const membership = family === 4 ? ipMreqn(addressBytes(group), device) : ipv6Mreq(addressBytes(group), device)
    this.#socket.setOption(family === 4 ? IP.level : IPV6.level, option, membership)
  }
}

function ipMreqn(group: Uint8Array, { index }: Device): Uint8Array {
  return Uint8Array.of(...group, 0, 0, 0, 0, ...int32(index))
}

function ipv6Mreq(group: Uint8Array, { index }: Device): Uint8Array {
  return Uint8Array.of(...group, ...int32(index))
}

function received({ data, stampedAt }: Message): ReceivedPacket | undefined {
  const packet = ipv4Packet(data)
  return packet && { ...packet, stampedAt }
}

function ipv6Packet({ data, from, stampedAt, ancillary }: Message): ReceivedPacket | undefined {
  const destination = ancillary(IPV6.level, IPV6.pktinfo)
  const ttl = ancillary(IPV6.level, IPV6.hoplimit)
  if (destination === undefined || ttl === undefined) return undefined
  const header = { source: ipv6At(from, 8), destination: ipv6At(destination, 0), ttl: ttl.getInt32(0, true) }
  return { header, ipHeader: undefined, payload: data, stampedAt }
}

function sockaddrIn(address: Address): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes[0] = AF_INET
  bytes.set(addressBytes(address), 4)
  return bytes
}

function sockaddrIn6(address: Address, scope: number): DataView {
  const bytes = new DataView(new ArrayBuffer(SOCKADDR_IN6))
  bytes.setUint16(0, AF_INET6, true)
  new Uint8Array(bytes.buffer).set(addressBytes(address), 8)
  bytes.setUint32(24, scope, true)
  return bytes
}

/** One IPv6 message that is about to be sent, in the kernel's structs; one serves all sockets of a process. */
class Outgoing {
  readonly #header = new NativeMemory(MSGHDR)
  readonly #to = new NativeMemory(SOCKADDR_IN6)
  readonly #iovec = new NativeMemory(16)
  readonly #control = new NativeMemory(CONTROL)
  readonly #data = new NativeMemory(65_536)

  constructor() {
    const header = this.#header.view
    header.setBigUint64(0, this.#to.address, true)
    header.setUint32(8, SOCKADDR_IN6, true)
    header.setBigUint64(16, this.#iovec.address, true)
    header.setBigUint64(24, 1n, true)
    header.setBigUint64(32, this.#control.address, true)
    header.setBigUint64(40, BigInt(CONTROL), true)
    this.#iovec.view.setBigUint64(0, this.#data.address, true)
    const control = this.#control.view
    control.setBigUint64(0, 36n, true) // cmsg_len: its own 16 bytes, and in6_pktinfo
    control.setInt32(8, IPV6.level, true)
    control.setInt32(12, IPV6.pktinfo, true)
    control.setBigUint64(40, 20n, true)
    control.setInt32(48, IPV6.level, true)
    control.setInt32(52, IPV6.hoplimit, true)
  }

  /** The error number, if it cannot be sent. `index`: of the interface; 0: as routes say. */
  send(fd: number, source: Address, to: Address, index: number, ttl: number, data: Uint8Array): number | undefined {
    this.#to.bytes.set(new Uint8Array(sockaddrIn6(to, index).buffer))
    this.#control.bytes.set(addressBytes(source), 16)
    this.#control.view.setInt32(32, index, true)
    this.#control.view.setInt32(56, ttl, true)
    this.#data.bytes.set(data)
    this.#iovec.view.setBigUint64(8, BigInt(data.length), true)
    return calls.sendmsg(fd, this.#header.address, MSG_DONTWAIT) < 0 ? lastErrno() : undefined
  }
}
