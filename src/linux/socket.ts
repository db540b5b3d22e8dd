import { constants } from 'node:os'
import { calls, checked, lastErrno, SystemError } from './libc.ts'

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000
export const MSG_DONTWAIT = 0x40

/** Largest message a receive returns; netlink dumps and jumbo frames fit. */
const RECEIVE_LIMIT = 65536

/** A non-blocking socket that node's own modules cannot open. Owns its file descriptor. */
export class Socket {
  readonly fd: number
  readonly #name: string
  readonly #buffer = Buffer.alloc(RECEIVE_LIMIT)

  /** `name` is the subject of the errors. Throws SystemError. */
  constructor(name: string, domain: number, type: number, protocol: number) {
    this.#name = name
    this.fd = checked(calls.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), 'open socket', name)
  }

  setOption(level: number, option: number, value: Uint8Array | number): void {
    const bytes = typeof value === 'number' ? int32(value) : value
    checked(
      calls.setsockopt(this.fd, level, option, bytes, bytes.length),
      `set option ${level}/${option} on`,
      this.#name,
    )
  }

  bind(address: Uint8Array): void {
    checked(calls.bind(this.fd, address, address.length), 'bind', this.#name)
  }

  /** Sends one message. Returns the error instead of throwing: a lost datagram is an event, not a bug. */
  send(data: Uint8Array, to: Uint8Array): SystemError | undefined {
    const sent = calls.sendto(this.fd, data, data.length, MSG_DONTWAIT, to, to.length)
    return sent < 0 ? new SystemError('send to', this.#name, lastErrno()) : undefined
  }

  /** The next waiting message, or undefined when there is none. Throws SystemError on anything else. */
  receive(): Uint8Array | undefined {
    for (;;) {
      const length = Number(calls.recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT))
      if (length >= 0) return Uint8Array.from(this.#buffer.subarray(0, length))
      const errno = lastErrno()
      if (errno === constants.errno.EAGAIN) return undefined
      if (errno !== constants.errno.EINTR) throw new SystemError('receive from', this.#name, errno)
    }
  }

  close(): void {
    calls.close(this.fd)
  }
}

/** An int as setsockopt takes it. */
export function int32(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer)
}
