import { SystemError } from '../../linux/libc.ts'
import type { Health, NotAsked } from '../health.ts'

/** An answer whose duration is still to be measured. */
export type Finding = Omit<Health, 'duration'> | Omit<NotAsked, 'duration'>

/**
 * What the kernel says when this host could not ask, each with what that means. It says nothing of the server, so the server stays what it was.
 * The one list for all probes.
 */
const OWN_FAULTS: Readonly<Record<string, string>> = {
  EMFILE: 'no descriptor left in the check process',
  ENFILE: 'no descriptor left on this host',
  ENOMEM: 'no memory left',
  ENOBUFS: 'no buffer left',
  EADDRNOTAVAIL: 'no local port left, or the source address is not on this host',
  EADDRINUSE: 'the source port is taken',
  EAGAIN: 'a resource of this host is used up',
  EPERM: "this host's firewall or its rights do not let it out",
  EACCES: "this host's routes or rights do not let it out",
  EAFNOSUPPORT: 'this host does not have the address family',
  EPROTONOSUPPORT: 'this host does not have the protocol',
  ENODEV: 'the interface is not there',
}

/** What the kernel says when there is no way to the server: the server's fault when it is one, this host's network when it is all. */
export const NO_WAY: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN'])

/** This host lacks what a check needs. */
export class CannotAsk extends Error {}

export const good = (reason: string, warning?: string): Finding => ({
  up: true,
  reason,
  ...(warning === undefined ? {} : { warning }),
})
export const bad = (reason: string): Finding => ({ up: false, reason })
export const notAsked = (reason: string): Finding => ({ up: undefined, reason })

/** A failed connection or datagram: this host's own fault, no way to the server, or the server's failure. */
export function failureOf(error: unknown, timeout: number): Finding {
  // A socket that could not be opened as the check wants it.
  if (error instanceof SystemError || error instanceof CannotAsk) return notAsked(error.message)
  const reason = describe(error, timeout)
  const own = Object.hasOwn(OWN_FAULTS, reason) ? OWN_FAULTS[reason] : undefined
  if (own !== undefined) return notAsked(`${reason}: ${own}`)
  return NO_WAY.has(reason) ? { up: false, unreachable: true, reason } : bad(reason)
}

/** What a failed connection says, in a few words. */
function describe(error: unknown, timeout: number): string {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return `no answer within ${timeout / 1000} s`
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}
