import { getSystemErrorName } from 'node:util'
import { type Address, addressBytes, ipv6At } from '../net/address.ts'
import { behindIpv4Header, decodeEcho, type Echo, ECHO_TYPES, encodeEcho } from '../net/echo.ts'
import { ipv4At } from '../net/ipv4.ts'
import { assemble, OP, type ProgramStep } from '../net/packet-filter.ts'
import { SystemError } from './libc.ts'
import { type Message, MessageBatch, MESSAGES_AT_ONCE } from './message-batch.ts'
import { setPacketFilter } from './socket-filter.ts'
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, Socket } from './socket.ts'

const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_TIMESTAMPNS = 35
const MSG_ERRQUEUE = 0x2000
const RECVERR = { IPv4: { level: 0, option: 11 }, IPv6: { level: 41, option: 25 } } as const
/** struct sock_extended_err, with the address of whoever has sent the error behind it. */
const EXTENDED_ERROR = 16
/** Origins of such errors: ICMP and ICMPv6. */
const FROM_ICMP: ReadonlySet<number> = new Set([2, 3])
/** Replies wait while this process does something else: 1000 of them. */
const ROOM = 1 << 20

type Family = keyof typeof ECHO_TYPES

/** What comes of an echo request. */
export type EchoNews =
  | {
      readonly type: 'reply'
      readonly echo: Echo
      readonly from: Address
      /** By the kernel's wall clock, in ms since the epoch. */
      readonly stampedAt: number | undefined
    }
  | {
      readonly type: 'error'
      /** The request, or its beginning, as the error quotes it. */
      readonly echo: Echo
      readonly to: Address
      /** Name of the error number that Linux makes of the ICMP error. */
      readonly code: string
      /** Who has sent the ICMP error. */
      readonly from: Address | undefined
    }

let batch: MessageBatch | undefined

/**
 * A socket for ICMP echoes of one family to whomever: a raw one, which needs CAP_NET_RAW to be opened and nothing afterwards, else one of
 * ICMP datagrams, which needs a group within net.ipv4.ping_group_range. The kernel keeps out what is no reply with its identifier.
 */
export class EchoSocket {
  readonly #family: Family
  readonly #socket: Socket
  readonly #isRaw: boolean
  readonly #identifier: number

  private constructor(family: Family, type: number, identifier: number) {
    this.#family = family
    this.#isRaw = type === SOCK_RAW
    this.#identifier = identifier
    const [domain, protocol] = family === 'IPv4' ? [AF_INET, IPPROTO_ICMP] : [AF_INET6, IPPROTO_ICMPV6]
    this.#socket = new Socket(`ICMP echo of ${family}`, domain, type, protocol)
    try {
      if (this.#isRaw) setPacketFilter(this.#socket, assemble(onlyReplies(family, identifier)))
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, ROOM)
      this.#socket.setOption(SOL_SOCKET, SO_TIMESTAMPNS, 1)
      this.#socket.setOption(RECVERR[family].level, RECVERR[family].option, 1)
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  /** Undefined when neither kind of socket may be opened, or there is no such family. `identifier`: 16 bits, of a raw socket's echoes. */
  static open(family: Family, identifier: number): EchoSocket | undefined {
    for (const type of [SOCK_RAW, SOCK_DGRAM]) {
      try {
        return new EchoSocket(family, type, identifier)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
      }
    }
    return undefined
  }

  get fd(): number {
    return this.#socket.fd
  }

  /**
   * Sends a request. Returns the error that the kernel has at once, for want of a route or because of another request's ICMP error,
   * which it tells whoever uses the socket next: `receive` has that one, too, and this has to be sent again.
   */
  send(to: Address, sequence: number, data: Uint8Array): SystemError | undefined {
    const type = ECHO_TYPES[this.#family].request
    return this.#socket.send(
      encodeEcho({ type, identifier: this.#identifier, sequence, data }),
      this.#socketAddress(to),
    )
  }

  /** The next news, at most `limit` of each kind; none when there are none. */
  receive(limit: number): readonly EchoNews[] {
    return [
      ...this.#take(MSG_ERRQUEUE, limit).flatMap((message) => this.#error(message) ?? []),
      ...this.#take(0, limit).flatMap((message) => this.#reply(message) ?? []),
    ]
  }

  close(): void {
    this.#socket.close()
  }

  #take(flags: number, limit: number): readonly Message[] {
    batch ??= new MessageBatch()
    const all: Message[] = []
    while (all.length < limit) {
      let some: readonly Message[]
      try {
        some = batch.receive(this.fd, 'ICMP echo', limit - all.length, flags)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        // An error that came in between; it is in its queue.
        break
      }
      all.push(...some)
      if (some.length < MESSAGES_AT_ONCE) break
    }
    return all
  }

  #reply({ data, from, stampedAt }: Message): EchoNews | undefined {
    const echo = this.#own(this.#isRaw && this.#family === 'IPv4' ? behindIpv4Header(data) : data)
    if (echo?.type !== ECHO_TYPES[this.#family].reply) return undefined
    return { type: 'reply', echo, from: this.#addressIn(from), stampedAt }
  }

  #error({ data, from, ancillary }: Message): EchoNews | undefined {
    const { level, option } = RECVERR[this.#family]
    const error = ancillary(level, option)
    const echo = this.#own(data)
    if (error === undefined || echo?.type !== ECHO_TYPES[this.#family].request) return undefined
    const code = getSystemErrorName(-error.getUint32(0, true))
    // A request that is too long is none of ours.
    if (!FROM_ICMP.has(error.getUint8(4)) || code === 'EMSGSIZE') return undefined
    const size = this.#family === 'IPv4' ? 8 : 24
    const offender =
      error.byteLength < EXTENDED_ERROR + size
        ? undefined
        : this.#addressIn(new DataView(error.buffer, error.byteOffset + EXTENDED_ERROR))
    return { type: 'error', echo, to: this.#addressIn(from), code, from: offender }
  }

  /** A raw socket gets errors of other programs' echoes, too; the identifier of datagrams is the kernel's. */
  #own(bytes: Uint8Array | undefined): Echo | undefined {
    const echo = bytes && decodeEcho(bytes)
    return this.#isRaw && echo?.identifier !== this.#identifier ? undefined : echo
  }

  #addressIn(socketAddress: DataView): Address {
    return this.#family === 'IPv4' ? ipv4At(socketAddress, 4) : ipv6At(socketAddress, 8)
  }

  #socketAddress(address: Address): Uint8Array {
    const bytes = new Uint8Array(this.#family === 'IPv4' ? 16 : 28)
    bytes[0] = this.#family === 'IPv4' ? AF_INET : AF_INET6
    bytes.set(addressBytes(address), this.#family === 'IPv4' ? 4 : 8)
    return bytes
  }
}

/** For a raw ICMP socket. The kernel shows the filter the IPv4 header, too, but of IPv6 only what is behind the headers. */
export function onlyReplies(family: Family, identifier: number): readonly ProgramStep[] {
  const start: ProgramStep = family === 'IPv4' ? { op: OP.loadHeaderLength, k: 0 } : { op: OP.loadNumberX, k: 0 }
  const wanted = [
    [0, ECHO_TYPES[family].reply],
    [4, identifier >> 8],
    [5, identifier & 0xff],
  ] as const
  return [
    start,
    ...wanted.flatMap(([at, value]): ProgramStep[] => [
      { op: OP.loadByteX, k: at },
      { op: OP.ifEqual, k: value, no: 'drop' },
    ]),
    { op: OP.answer, k: 0xffff },
    { label: 'drop' },
    { op: OP.answer, k: 0 },
  ]
}
