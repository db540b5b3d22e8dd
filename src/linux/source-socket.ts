import { type Address, ipv6At, isIpv4 } from '../net/address.ts'
import { ipv4At } from '../net/ipv4.ts'
import { calls, checked } from './libc.ts'
import { AF_INET, AF_INET6, int32, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM } from './socket.ts'
import { familyOf, socketAddress } from './udp-socket.ts'

export const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_LINGER = 13
const SO_BINDTODEVICE = 25
/** IP_RECVERR and IPV6_RECVERR, with their levels. */
const RECVERR = { IPv4: [0, 11], IPv6: [41, 25] } as const
export const SO_MARK = 36

/** What is left out is the kernel's choice. */
interface Source {
  readonly address?: Address
  readonly port?: number
  readonly interface?: string
  readonly mark?: number
}

/** A port that nothing is sent to; 0 is refused. */
const ANY_PORT = 9

/** The address that the kernel sends from towards another one, by its routes of now; undefined when it has no way there. */
export function addressTowards(to: Address): Address | undefined {
  const family = familyOf(to)
  const fd = calls.socket(isIpv4(to) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return undefined
  try {
    const there = socketAddress(family, to, ANY_PORT)
    const here = new DataView(new ArrayBuffer(there.length))
    if (
      calls.connect(fd, there, there.length) < 0 ||
      calls.getsockname(fd, new Uint8Array(here.buffer), [here.byteLength]) < 0
    )
      return undefined
    return family === 'IPv4' ? ipv4At(here, 4) : ipv6At(here, 8)
  } finally {
    calls.close(fd)
  }
}

/**
 * The descriptor of a new socket, not connected yet, whose packets will leave from `source`; who asks for it closes it. With a port, a TCP
 * connection ends by a reset, since the port would have to rest for a minute after an orderly end (TIME-WAIT). `type` and `protocol`: as
 * for socket(2). Datagrams: once connected it fails with all ICMP errors that come back, also those of a router or neighbour that may pass,
 * of which Linux else says nothing. To bind to an interface takes no privilege since Linux 5.7; to mark takes a capability. Throws SystemError.
 */
export function openFrom(source: Source, to: Address, type: number, protocol: number): number {
  const name = `of a check of ${to}`
  const fd = checked(
    calls.socket(isIpv4(to) ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol),
    'open socket',
    name,
  )
  const set = (what: string, option: number, value: Uint8Array, level = SOL_SOCKET) =>
    checked(calls.setsockopt(fd, level, option, value, value.length), what, name)
  try {
    if (type === SOCK_DGRAM) {
      const [level, option] = RECVERR[isIpv4(to) ? 'IPv4' : 'IPv6']
      set('hear errors', option, int32(1), level)
    }
    if (source.mark !== undefined) set(`set mark ${source.mark}`, SO_MARK, int32(source.mark))
    if (source.interface !== undefined)
      set(`bind to ${source.interface} the socket`, SO_BINDTODEVICE, Buffer.from(`${source.interface}\0`))
    if (source.port !== undefined) {
      set('let reuse', SO_REUSEADDR, int32(1))
      if (type === SOCK_STREAM) set('let reset', SO_LINGER, Buffer.concat([int32(1), int32(0)]))
    }
    if (source.address !== undefined || source.port !== undefined) {
      const bytes = socketAddress(familyOf(to), source.address, source.port ?? 0)
      const where = [source.address, source.port && `port ${source.port}`].filter(Boolean).join(' ')
      checked(calls.bind(fd, bytes, bytes.length), `bind to ${where} the socket`, name)
    }
    return fd
  } catch (error) {
    calls.close(fd)
    throw error
  }
}
