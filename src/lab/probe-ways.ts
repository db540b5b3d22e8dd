import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { onlyReplies } from '../linux/echo-socket.ts'
import { setPacketFilter } from '../linux/socket-filter.ts'
import { AF_INET, AF_INET6, Socket, SOCK_DGRAM, SOCK_RAW } from '../linux/socket.ts'
import { addressTowards } from '../linux/source-socket.ts'
import { type Family, familyOf, socketAddress } from '../linux/udp-socket.ts'
import type { Address } from '../net/address.ts'
import { behindIpv4Header, decodeEcho, ECHO_TYPES, encodeEcho } from '../net/echo.ts'
import { assemble, OP, type ProgramStep } from '../net/packet-filter.ts'
import { decodeSynAck, synSegment, TCP_CHECKSUM_OFFSET, TCP_PROTOCOL } from '../net/tcp-segment.ts'

/** How a probe's numbered packets go out and come back. */
export interface ProbeWay {
  /** That it cannot be sent is a loss like any other. `number`: below 2³². */
  send(number: number): void
  /** The numbers that have been answered since the last call. Throws SystemError. */
  receive(onAnswer: (number: number) => void): void
}

const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
/** Answers wait while this process has no turn: thousands. */
const ROOM = 1 << 22
const IPPROTO_IPV6 = 41
const IPV6_CHECKSUM = 7
const ICMP = { IPv4: 1, IPv6: 58 } as const
const TOKEN = 4
const PAYLOAD = TOKEN + 4

function open(name: string, to: Address, type: number, protocol: number): Socket {
  const socket = new Socket(name, familyOf(to) === 'IPv4' ? AF_INET : AF_INET6, type, protocol)
  socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
  return socket
}

function each(socket: Socket, take: (bytes: Uint8Array) => void): void {
  for (let bytes = socket.receive(); bytes !== undefined; bytes = socket.receive()) take(bytes)
}

/** A number behind what tells our packets from others'. */
class Payload {
  readonly #token = randomBytes(TOKEN)

  of(number: number): Uint8Array {
    const bytes = new DataView(new ArrayBuffer(PAYLOAD))
    new Uint8Array(bytes.buffer).set(this.#token)
    bytes.setUint32(TOKEN, number)
    return new Uint8Array(bytes.buffer)
  }

  numberIn(bytes: Uint8Array): number | undefined {
    if (bytes.length !== PAYLOAD || this.#token.some((byte, i) => byte !== bytes[i])) return undefined
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(TOKEN)
  }
}

/** Datagrams that an echo server sends back; all from one port, as one client's. */
export function udpWay(to: Address, port: number): ProbeWay {
  const payload = new Payload()
  const socket = open(`UDP probe of ${to}`, to, SOCK_DGRAM, 0)
  const there = socketAddress(familyOf(to), to, port)
  return {
    send: (number) => void socket.send(payload.of(number), there),
    receive: (onAnswer) =>
      each(socket, (bytes) => {
        const number = payload.numberIn(bytes)
        if (number !== undefined) onAnswer(number)
      }),
  }
}

/** Echo requests, which the kernel of who has the address answers. */
export function icmpWay(to: Address): ProbeWay {
  const family = familyOf(to)
  const payload = new Payload()
  const socket = open(`ICMP probe of ${to}`, to, SOCK_RAW, ICMP[family])
  const identifier = process.pid & 0xffff
  setPacketFilter(socket, assemble(onlyReplies(family, identifier)))
  const there = socketAddress(family, to, 0)
  const type = ECHO_TYPES[family].request
  return {
    send: (number) =>
      void socket.send(encodeEcho({ type, identifier, sequence: number & 0xffff, data: payload.of(number) }), there),
    receive: (onAnswer) =>
      each(socket, (bytes) => {
        const message = family === 'IPv4' ? behindIpv4Header(bytes) : bytes
        const echo = message && decodeEcho(message)
        const number = echo?.type === ECHO_TYPES[family].reply ? payload.numberIn(echo.data) : undefined
        if (number !== undefined) onAnswer(number)
      }),
  }
}

/**
 * Segments that open a connection, each from another port. No socket has these ports, so the kernel here resets what a server accepts; a
 * refusal is no answer.
 */
export function tcpWay(to: Address, port: number): ProbeWay {
  const family = familyOf(to)
  const socket = open(`TCP probe of ${to}`, to, SOCK_RAW, TCP_PROTOCOL)
  // Of IPv6 the kernel makes the checksum, as it chooses the source.
  if (family === 'IPv6') socket.setOption(IPPROTO_IPV6, IPV6_CHECKSUM, TCP_CHECKSUM_OFFSET)
  setPacketFilter(socket, assemble(onlyFromPort(family, port)))
  const there = socketAddress(family, to, 0)
  const ports = freePorts()
  const base = randomBytes(4).readUInt32LE()
  const portOf = (number: number) => ports.first + (number % ports.count)
  let source = addressTowards(to)
  return {
    send: (number) => {
      source ??= addressTowards(to)
      if (source === undefined) return
      const from = { address: source, port: portOf(number) }
      socket.send(synSegment(from, { address: to, port }, (base + number) >>> 0), there)
    },
    receive: (onAnswer) =>
      each(socket, (bytes) => {
        const segment = family === 'IPv4' ? behindIpv4Header(bytes) : bytes
        const answer = segment && decodeSynAck(segment)
        if (answer === undefined || answer.fromPort !== port) return
        const number = (answer.sequence - base) >>> 0
        if (answer.toPort === portOf(number)) onAnswer(number)
      }),
  }
}

/** The larger part of the ports that the kernel gives to nobody by itself, without those of services. */
function freePorts(): { readonly first: number; readonly count: number } {
  const [low = 32_768, high = 60_999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
  const below = { first: 10_000, count: low - 10_000 }
  const above = { first: high + 1, count: 65_535 - high }
  const larger = below.count > above.count ? below : above
  if (larger.count < 1000) throw new Error(`the kernel gives all ports away by itself: ${low} to ${high}`)
  return larger
}

/** The kernel shows the filter the IPv4 header, too, but of IPv6 only what is behind the headers. */
function onlyFromPort(family: Family, port: number): readonly ProgramStep[] {
  return [
    family === 'IPv4' ? { op: OP.loadHeaderLength, k: 0 } : { op: OP.loadNumberX, k: 0 },
    { op: OP.loadByteX, k: 0 },
    { op: OP.ifEqual, k: port >> 8, no: 'drop' },
    { op: OP.loadByteX, k: 1 },
    { op: OP.ifEqual, k: port & 0xff, no: 'drop' },
    { op: OP.answer, k: 0xffff },
    { label: 'drop' },
    { op: OP.answer, k: 0 },
  ]
}
