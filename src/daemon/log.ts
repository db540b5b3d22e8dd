import { constants, openSync } from 'node:fs'
import pino, { type DestinationStream, type Logger } from 'pino'
import { logLevel } from '../host/log-level.ts'
import { journalText, writesToJournal } from './journal.ts'

/** What waits for a reader that does not read. Beyond it lines are dropped and counted, never waited for. */
const BACKLOG_BYTES = 1 << 20

/** At a normal end, how long the last lines may take. */
const FLUSH_MS = 200

/**
 * The log of one process: JSON lines, readable ones on a terminal and in the journal. Writing never blocks the process. `TANIST_LOG`
 * says from which level on.
 */
export async function createLog(role: 'director' | 'vrrp' | 'check', name: string): Promise<Logger> {
  const options = { level: logLevel(), base: { director: name, process: role } }
  if (process.stdout.isTTY) {
    const { default: pretty } = await import('pino-pretty')
    return pino(options, pretty({ ignore: 'pid,hostname,director,process', messageFormat: '{process}: {msg}' }))
  }
  let dropped = 0
  let idle = true
  const destination = pino.destination({ dest: ownStdout(), sync: false, minLength: 0, maxLength: BACKLOG_BYTES })
  // It would be called at the exit, and try for ever when the disk is full or nobody reads; `flushLog` has done what can be done.
  destination.flushSync = () => {}
  const format = writesToJournal() ? journalText : (line: string) => line
  // Not the destination itself: at a fatal line pino would write what waits before lines that are being written.
  const stream: DestinationStream & Pick<Logger, 'flush'> = {
    write(line) {
      idle = false
      destination.write(format(line))
    },
    // Its own `flush` would wait for the disk as well, or for nothing.
    flush(done) {
      if (idle) done?.()
      else destination.once('drain', () => done?.()).once('error', () => done?.())
    },
  }
  const log = pino(options, stream)
  destination.on('drop', () => dropped++)
  destination.on('drain', () => {
    idle = true
    if (dropped === 0) return
    const lines = dropped
    dropped = 0
    log.warn({ lines }, 'log lines were dropped because nobody read the log')
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

/** An error of Tanist's own, as sysexits(3) has it. */
const EXIT_SOFTWARE = 70

/**
 * An error that nobody has expected ends the process, since nobody knows what it would do next: its stack stands in the log, and
 * whoever started the process (systemd, the director) starts it again. The core keeps forwarding meanwhile.
 */
export function endOnUnexpectedErrors(log: Logger): void {
  const end = async (error: Error) => {
    log.fatal({ err: error }, `unexpected error, ending: ${error.stack ?? String(error)}`)
    await flushLog(log)
    process.exit(EXIT_SOFTWARE)
  }
  process.once('uncaughtException', (error) => void end(error))
}

/** Gives the last lines a chance to get out. */
export async function flushLog(log: Logger): Promise<void> {
  await Promise.race([
    new Promise<void>((resolve) => log.flush(() => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS)),
  ])
}
