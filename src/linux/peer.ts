import type { Socket } from 'node:net'
import { calls, checked } from './libc.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17

/** The process that has connected to a Unix socket, as it was then (unix(7)). */
export interface Peer {
  readonly pid: number
  readonly uid: number
}

/** Throws SystemError. */
export function peerOf(socket: Socket): Peer {
  const fd = fdOf(socket)
  const ucred = new Uint32Array(3) // struct ucred: pid, uid, gid
  const bytes = new Uint8Array(ucred.buffer)
  checked(calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes, [bytes.length]), 'ask for the peer of', `socket ${fd}`)
  const [pid = 0, uid = 0] = ucred
  return { pid, uid }
}

/** -1 when it is closed. Node does not say it otherwise. */
function fdOf(socket: Socket): number {
  const handle = Reflect.get(socket, '_handle') as { readonly fd: number } | null
  return handle?.fd ?? -1
}
