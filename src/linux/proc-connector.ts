import { closeSync, openSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { calls, checked, SystemError } from './libc.ts'
import { decodeNetlink, encodeNetlink, NLMSG_DONE } from './netlink-message.ts'
import { processInfo } from './processes.ts'
import { sockaddrNetlink } from './rtnetlink.ts'
import { AF_NETLINK, int32, SOCK_DGRAM, Socket } from './socket.ts'

/** What the kernel says of processes; threads are left out. */
export type ProcessEvent =
  | { readonly type: 'fork'; readonly parent: number; readonly child: number }
  /** It has become another program. */
  | { readonly type: 'exec'; readonly pid: number }
  /** It has given itself another name. */
  | { readonly type: 'rename'; readonly pid: number }
  | { readonly type: 'exit'; readonly pid: number }

/** Some of what has happened since the last call. */
export interface ProcessEvents {
  readonly events: readonly ProcessEvent[]
  /** Events were dropped, since nobody read them in time. */
  readonly lost: boolean
  /** There may be more. */
  readonly more: boolean
}

const NETLINK_CONNECTOR = 11
/** Group and channel of the process connector. */
const CN_IDX_PROC = 1
const CN_VAL_PROC = 1
const LISTEN = 1
const IGNORE = 2
/** struct cn_msg: u32 index | u32 value | u32 sequence | u32 ack | u16 length | u16 flags */
const CN_MSG = 20
/** struct proc_event: u32 what | u32 cpu | u64 timestamp | data, the first four words of which are all that counts here. */
const DATA = CN_MSG + 16
const WHAT = { none: 0, fork: 1, exec: 2, comm: 0x200, exit: 0x80000000 }
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVBUFFORCE = 33
/** Some thousand events: a tenth of a second of the worst storm. */
const RECEIVE_BUFFER = 4 << 20
const CLONE_NEWNET = 0x40000000

/**
 * Events of all processes, from the kernel's process connector (CONFIG_PROC_EVENTS). It exists in the first network namespace of the
 * host only, for the first user and PID namespace only, and tells anybody else nothing.
 */
export class ProcessConnector {
  readonly #socket: Socket

  /** Throws SystemError where it is not allowed, or the kernel has none. What has happened before is not told of. */
  constructor() {
    this.#socket = inNetworkOfHost(() => new Socket('process connector', AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR))
    try {
      this.#makeRoom()
      this.#socket.bind(sockaddrNetlink(CN_IDX_PROC))
      const problem = this.#say(LISTEN)
      if (problem !== undefined) throw problem
      if (!this.#isAnswered()) throw new SystemError('listen to', 'process connector', constants.errno.EOPNOTSUPP)
    } catch (error) {
      this.#socket.close()
      throw error
    }
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** Takes at most `limit` messages. */
  drain(limit: number): ProcessEvents {
    const events: ProcessEvent[] = []
    let lost = false
    for (let taken = 0; taken < limit; taken++) {
      try {
        const datagram = this.#socket.receive()
        if (datagram === undefined) return { events, lost, more: false }
        for (const { body } of decodeNetlink(datagram)) {
          const event = decodeProcessEvent(body)
          if (event !== undefined) events.push(event)
        }
      } catch (error) {
        if (!(error instanceof SystemError) || error.code !== 'ENOBUFS') throw error
        lost = true
      }
    }
    return { events, lost, more: true }
  }

  /** Before Linux 6.6 the kernel goes on making events for who has left without a word. */
  close(): void {
    this.#say(IGNORE)
    this.#socket.close()
  }

  #makeRoom(): void {
    try {
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, int32(RECEIVE_BUFFER))
    } catch {
      // Not root: the kernel gives as much as it gives to anybody.
      this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, int32(RECEIVE_BUFFER))
    }
  }

  /** The kernel answers before it returns from the request, or never; other events may come first. */
  #isAnswered(): boolean {
    for (let datagram = this.#socket.receive(); datagram !== undefined; datagram = this.#socket.receive()) {
      if (decodeNetlink(datagram).some(({ body }) => isAnswer(body))) return true
    }
    return false
  }

  #say(what: number): SystemError | undefined {
    const message = new DataView(new ArrayBuffer(CN_MSG + 4))
    message.setUint32(0, CN_IDX_PROC, true)
    message.setUint32(4, CN_VAL_PROC, true)
    message.setUint16(16, 4, true)
    message.setUint32(CN_MSG, what, true)
    const request = encodeNetlink(NLMSG_DONE, 0, 0, new Uint8Array(message.buffer), [])
    return this.#socket.send(request, sockaddrNetlink(0))
  }
}

const isOfProcesses = (body: DataView) =>
  body.byteLength >= DATA + 16 && body.getUint32(0, true) === CN_IDX_PROC && body.getUint32(4, true) === CN_VAL_PROC

/** To a request to listen; its only word is an error. */
const isAnswer = (body: DataView) =>
  isOfProcesses(body) && body.getUint32(CN_MSG, true) === WHAT.none && body.getUint32(DATA, true) === 0

/** The event in the body of one netlink message; undefined for those of threads, and for what nobody asks for. */
export function decodeProcessEvent(body: DataView): ProcessEvent | undefined {
  if (!isOfProcesses(body)) return undefined
  const word = (index: number) => body.getUint32(DATA + 4 * index, true)
  const [thread, pid] = [word(0), word(1)]
  switch (body.getUint32(CN_MSG, true)) {
    case WHAT.fork:
      // The parent, then the child, each as thread and process.
      return word(2) === word(3) ? { type: 'fork', parent: pid, child: word(3) } : undefined
    case WHAT.exec:
      return thread === pid ? { type: 'exec', pid } : undefined
    case WHAT.comm:
      return thread === pid ? { type: 'rename', pid } : undefined
    case WHAT.exit:
      return thread === pid ? { type: 'exit', pid } : undefined
    default:
      return undefined
  }
}

/** The namespace of the first process, or of the one nearest to it among our ancestors that we may look at. */
function networkOfHost(): string {
  let found = OWN_NETWORK
  for (let pid = process.ppid; pid > 0; pid = processInfo(pid, 0)?.parent ?? 0) {
    const path = `/proc/${pid}/ns/net`
    try {
      statSync(path)
      found = path
    } catch {
      // It has privileges that we do not have.
    }
  }
  return found
}

const OWN_NETWORK = '/proc/self/ns/net'

/**
 * Does something in the network namespace of the host: a socket stays in the namespace that it was opened in. Does it here where
 * that one is not to be entered.
 */
function inNetworkOfHost<T>(act: () => T): T {
  const host = networkOfHost()
  let away: number
  try {
    if (statSync(OWN_NETWORK).ino === statSync(host).ino) return act()
    away = openSync(host, 'r')
  } catch {
    return act()
  }
  const home = openSync(OWN_NETWORK, 'r')
  try {
    if (calls.setns(away, CLONE_NEWNET) < 0) return act()
    try {
      return act()
    } finally {
      checked(calls.setns(home, CLONE_NEWNET), 'return to', 'network namespace')
    }
  } finally {
    closeSync(away)
    closeSync(home)
  }
}
