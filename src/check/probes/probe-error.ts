/** The server did not give the right answer. The message says what was wrong, for the log. */
export class ProbeError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ProbeError'
  }
}

/** The server was not asked, because this host could not do so. That says nothing of the server. */
export class NotAskedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotAskedError'
  }
}

/** What the kernel says when this host has run out of something: descriptors, memory, buffers, local ports. */
const OWN_SHORTAGES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL'])

/** A failed connection or datagram: this host's own shortage, or the server's failure. */
export function probeFailure(error: unknown, timeout: number): ProbeError | NotAskedError {
  const message = describe(error, timeout)
  return OWN_SHORTAGES.has(message) ? new NotAskedError(message) : new ProbeError(message)
}

/** What a failed connection says, in a few words. */
function describe(error: unknown, timeout: number): string {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return `no answer within ${timeout / 1000} s`
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}
