import { constants } from 'node:os'
import { calls, lastErrno, SystemError } from './libc.ts'
import { NativeMemory } from './native-memory.ts'
import { MSG_DONTWAIT } from './socket.ts'

/** A datagram with what the kernel says of it. */
export interface Message {
  readonly data: Uint8Array
  /** The sender's socket address. */
  readonly from: DataView
  /** When the kernel got it, in ms since the epoch, as its wall clock was then; undefined when the socket does not ask for it. */
  readonly stampedAt: number | undefined
  /** Ancillary data of a level and type (cmsg(3)). */
  readonly ancillary: (level: number, type: number) => DataView | undefined
}

/** Messages that one system call takes. */
export const MESSAGES_AT_ONCE = 64
const NAME = 28 // struct sockaddr_in6
const CONTROL = 192
/** More than the longest advert has: 255 addresses of IPv6, and a signature. What is longer is cut. */
const DATA = 4608
/** struct mmsghdr: a msghdr of 56 bytes, then the length of what came. */
const HEADER = 64
const IOVEC = 16
const CMSG_HEADER = 16
const SOL_SOCKET = 1
const SCM_TIMESTAMPNS = 35

/** recvmmsg(2): takes many datagrams by one call. One batch serves all sockets of a process, one after another. */
export class MessageBatch {
  readonly #headers = new NativeMemory(MESSAGES_AT_ONCE * HEADER)
  readonly #iovecs = new NativeMemory(MESSAGES_AT_ONCE * IOVEC)
  readonly #names = new NativeMemory(MESSAGES_AT_ONCE * NAME)
  readonly #controls = new NativeMemory(MESSAGES_AT_ONCE * CONTROL)
  readonly #data = new NativeMemory(MESSAGES_AT_ONCE * DATA)

  constructor() {
    for (let i = 0; i < MESSAGES_AT_ONCE; i++) {
      const header = this.#headers.view
      header.setBigUint64(i * HEADER, this.#names.address + BigInt(i * NAME), true)
      header.setBigUint64(i * HEADER + 16, this.#iovecs.address + BigInt(i * IOVEC), true)
      header.setBigUint64(i * HEADER + 24, 1n, true)
      header.setBigUint64(i * HEADER + 32, this.#controls.address + BigInt(i * CONTROL), true)
      this.#iovecs.view.setBigUint64(i * IOVEC, this.#data.address + BigInt(i * DATA), true)
      this.#iovecs.view.setBigUint64(i * IOVEC + 8, BigInt(DATA), true)
    }
  }

  /** The next waiting messages, at most `limit` of them; none when there is nothing. `flags`: of recv(2). Throws SystemError. */
  receive(fd: number, name: string, limit: number, flags = 0): readonly Message[] {
    const wanted = Math.min(limit, MESSAGES_AT_ONCE)
    for (let i = 0; i < wanted; i++) {
      // The last call has put in what it used.
      this.#headers.view.setUint32(i * HEADER + 8, NAME, true)
      this.#headers.view.setBigUint64(i * HEADER + 40, BigInt(CONTROL), true)
    }
    for (;;) {
      const count = calls.recvmmsg(fd, this.#headers.address, wanted, MSG_DONTWAIT | flags, null)
      if (count >= 0) return Array.from({ length: count }, (_, i) => this.#message(i))
      const errno = lastErrno()
      if (errno === constants.errno.EAGAIN) return []
      if (errno !== constants.errno.EINTR) throw new SystemError('receive from', name, errno)
    }
  }

  #message(i: number): Message {
    const length = Math.min(DATA, this.#headers.view.getUint32(i * HEADER + 56, true))
    const controlLength = Number(this.#headers.view.getBigUint64(i * HEADER + 40, true))
    const control = this.#controls.bytes.slice(i * CONTROL, i * CONTROL + controlLength)
    const ancillary = (level: number, type: number) => ancillaryOf(new DataView(control.buffer), level, type)
    const stamp = ancillary(SOL_SOCKET, SCM_TIMESTAMPNS)
    return {
      data: this.#data.bytes.slice(i * DATA, i * DATA + length),
      from: new DataView(this.#names.bytes.slice(i * NAME, (i + 1) * NAME).buffer),
      stampedAt: stamp && timespecMs(stamp),
      ancillary,
    }
  }
}

/** Milliseconds of a struct timespec. */
export const timespecMs = (time: DataView): number =>
  Number(time.getBigInt64(0, true)) * 1000 + Number(time.getBigInt64(8, true)) / 1e6

function ancillaryOf(control: DataView, level: number, type: number): DataView | undefined {
  for (let offset = 0; offset + CMSG_HEADER <= control.byteLength;) {
    const length = Number(control.getBigUint64(offset, true))
    if (length < CMSG_HEADER || offset + length > control.byteLength) return undefined
    if (control.getInt32(offset + 8, true) === level && control.getInt32(offset + 12, true) === type) {
      return new DataView(control.buffer, control.byteOffset + offset + CMSG_HEADER, length - CMSG_HEADER)
    }
    offset += (length + 7) & ~7
  }
  return undefined
}
