import { constants, openSync } from 'node:fs'
import pino, { type Logger } from 'pino'

/** What waits for a reader that does not read. Beyond it lines are dropped and counted, never waited for. */
const BACKLOG_BYTES = 1 << 20

/** At a normal end, how long the last lines may take. */
const FLUSH_MS = 200

/** The log of one process: JSON lines, readable ones on a terminal. Writing never blocks the process. */
export async function createLog(role: 'director' | 'vrrp', name: string): Promise<Logger> {
  const options = { base: { director: name, process: role } }
  if (process.stdout.isTTY) {
    const { default: pretty } = await import('pino-pretty')
    return pino(options, pretty({ ignore: 'pid,hostname,director,process', messageFormat: '{process}: {msg}' }))
  }
  let dropped = 0
  const destination = pino.destination({ dest: ownStdout(), sync: false, minLength: 0, maxLength: BACKLOG_BYTES })
  const log = pino(options, destination)
  destination.on('drop', () => dropped++)
  destination.on('drain', () => {
    if (dropped === 0) return
    const lines = dropped
    dropped = 0
    log.warn({ lines }, 'log lines were dropped while nobody read them')
  })
  // The reader has gone away. There is nobody left to tell.
  destination.on('error', () => {})
  return log
}

/** Standard output by a description of its own that does not block; sockets, which cannot be opened again, as they are. */
function ownStdout(): number {
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)
  } catch {
    return 1
  }
}

/** Gives the last lines a chance to get out. */
export async function flushLog(log: Logger): Promise<void> {
  await Promise.race([
    new Promise<void>((resolve) => log.flush(() => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS)),
  ])
}
