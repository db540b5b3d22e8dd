import type { Health, NotAsked } from '../health.ts'

/** An answer whose duration is still to be measured. */
export type Finding = Omit<Health, 'duration'> | Omit<NotAsked, 'duration'>

/** What the kernel says when this host has run out of something: descriptors, memory, buffers, local ports. */
const OWN_SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL'])

export const good = (reason: string): Finding => ({ up: true, reason })
export const bad = (reason: string): Finding => ({ up: false, reason })
export const notAsked = (reason: string): Finding => ({ up: undefined, reason })

/** A failed connection or datagram: this host's own shortage, or the server's failure. */
export function failureOf(error: unknown, timeout: number): Finding {
  const reason = describe(error, timeout)
  return OWN_SHORTAGES.has(reason) ? notAsked(reason) : bad(reason)
}

/** What a failed connection says, in a few words. */
function describe(error: unknown, timeout: number): string {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return `no answer within ${timeout / 1000} s`
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}
