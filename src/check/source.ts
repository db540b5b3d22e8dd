import type { Socket as UdpSocket } from 'node:dgram'
import { Socket } from 'node:net'
import { calls } from '../linux/libc.ts'
import { SOCK_DGRAM, SOCK_STREAM } from '../linux/socket.ts'
import { addressTowards, openFrom } from '../linux/source-socket.ts'
import type { CheckSchedule, CheckSource } from '../model/check.ts'
import { type Endpoint, endpointName } from '../model/endpoint.ts'
import { type Address, addressBytes, ipv6At, isIpv4 } from '../net/address.ts'
import { ipv4At } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import type { Note } from './steps.ts'

type Asked = Pick<CheckSchedule, 'target' | 'source' | 'through'>

/**
 * A TCP connection to the target from the source, which ends `timeout` after its begin, whatever becomes of it. Rejects with what the
 * connection fails with, and with SystemError when this host cannot have the source.
 */
export async function connectTcp(asked: Asked, timeout: Millis, note?: Note): Promise<Socket> {
  const { target } = asked
  const source = sourceOf(asked)
  note?.(`connects to ${endpointName(target)}${sourceText(source)}`)
  const socket = openTcp(target.address, source)
  // Half of what a signal costs; and one of AbortSignal.timeout keeps all that listens to it until its time.
  const late = () => socket.destroy(new DOMException('the deadline is over', 'TimeoutError'))
  const timer = setTimeout(late, timeout)
  socket.once('close', () => clearTimeout(timer))
  return await connected(socket, target, note)
}

/** The same, for who has a signal that ends it. */
export async function connectTcpUntil(asked: Asked, signal: AbortSignal, note?: Note): Promise<Socket> {
  const { target } = asked
  const source = sourceOf(asked)
  note?.(`connects to ${endpointName(target)}${sourceText(source)}`)
  return await connected(openTcp(target.address, source, { signal }), target, note)
}

/** Neighbours of a virtual address that are tried: some may be virtual addresses, too. */
const NEIGHBOURS = 16

/**
 * The way of clients has a source of its own, unless the file says another: the address that this host uses towards the neighbours of the
 * virtual address. The virtual one itself is the server's, too, which would answer to itself. By NAT answers go to who is the servers'
 * gateway, and that is not this host while it does not have the virtual address: there the source is the address towards the server. Where
 * there is none, the kernel picks one.
 */
function sourceOf({ target, source, through }: Asked): CheckSource | undefined {
  if (through === undefined || source?.address !== undefined) return source
  if (through.method === 'NAT' && addressTowards(target.address) !== target.address) {
    const address = addressTowards(through.server)
    return address === undefined || isIpv4(address) !== isIpv4(target.address) ? source : { ...source, address }
  }
  for (let i = 1; i < NEIGHBOURS; i++) {
    const neighbour = neighbourOf(target.address, i)
    const address = addressTowards(neighbour)
    if (address !== undefined && address !== neighbour) return { ...source, address }
  }
  return source
}

/** An address that differs in its last byte. */
function neighbourOf(address: Address, bits: number): Address {
  const bytes = addressBytes(address)
  const at = bytes.length - 1
  bytes[at] = (bytes[at] ?? 0) ^ bits
  const view = new DataView(bytes.buffer)
  return isIpv4(address) ? ipv4At(view, 0) : ipv6At(view, 0)
}

async function connected(socket: Socket, { address, port }: Endpoint, note?: Note): Promise<Socket> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect({ host: address, port }, resolve)
    })
    note?.(`connected, from ${socket.localAddress} port ${socket.localPort}`)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** What the file says of it, behind what is done. */
export function sourceText({ address, port, interface: name, mark }: CheckSource = {}): string {
  return [
    address === undefined ? '' : ` from ${address}`,
    port === undefined ? '' : ` from port ${port}`,
    name === undefined ? '' : ` by ${name}`,
    mark === undefined ? '' : ` with mark ${mark}`,
  ].join('')
}

/** Not known to @types/node: without it Node begins to read before there is a connection. */
const DO_NOT_READ_YET = { manualStart: true }

function openTcp(
  to: Address,
  source: CheckSource | undefined,
  options: { readonly signal?: AbortSignal } = {},
): Socket {
  if (source === undefined) return new Socket(options)
  const fd = openFrom(source, to, SOCK_STREAM, 0)
  try {
    return new Socket({ fd, ...options, ...DO_NOT_READ_YET })
  } catch (error) {
    calls.close(fd)
    throw error
  }
}

/**
 * Lets a UDP socket of Node's, of the target's family and not bound yet, send from the source and hear of all ICMP errors. Throws
 * SystemError.
 */
export function bindUdp(socket: UdpSocket, asked: Asked): void {
  adopt(socket, openFrom(sourceOf(asked) ?? {}, asked.target.address, SOCK_DGRAM, 0))
}

/** Makes a descriptor of `openFrom` that of a socket of Node's, which closes it. */
export function adopt(socket: UdpSocket, fd: number): void {
  try {
    socket.bind({ fd, exclusive: true })
  } catch (error) {
    calls.close(fd)
    throw error
  }
}
