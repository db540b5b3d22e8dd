import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Caller } from '../../control/server.ts'
import { peerOf } from '../../linux/peer.ts'

/** Longest command line that is kept. */
const COMMAND_LIMIT = 200

/** Who is at the other end of a connection to the control socket. Throws SystemError. */
export function callerOf(socket: Socket): Caller {
  const { pid, uid } = peerOf(socket)
  return { pid, uid, user: userName(uid), command: commandOf(pid) }
}

/** `root (pid 123: tanist reload)`. */
export function callerName({ user, pid, command }: Caller): string {
  return `${user} (pid ${pid}${command === undefined ? '' : `: ${command}`})`
}

function userName(uid: number): string {
  const fields = readText('/etc/passwd')
    .split('\n')
    .map((line) => line.split(':'))
  return fields.find(([, , id]) => id === String(uid))?.[0] ?? `uid ${uid}`
}

/** Arguments are bytes that anybody may choose: what is no printable character would write into the log what was not done. */
function commandOf(pid: number): string | undefined {
  const text = readText(`/proc/${pid}/cmdline`).replace(/\0$/, '').replaceAll('\0', ' ')
  return text === '' ? undefined : text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?').slice(0, COMMAND_LIMIT)
}

/** Empty where there is none, or none that this process may see. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
