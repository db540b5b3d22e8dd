import { constants, openSync } from 'node:fs'
import { join, parse } from 'node:path'
import pino, { type DestinationStream, type Logger } from 'pino'
import { logLevel } from '../host/log-level.ts'
import { logTargets } from '../host/log-targets.ts'
import { journalText, textLines, writesToJournal } from './journal.ts'
import { Syslog } from './syslog.ts'

type Role = 'director' | 'vrrp' | 'check' | 'script'

const FILE_PARTS: Readonly<Record<Role, string>> = {
  director: '',
  vrrp: '_vrrp',
  check: '_healthcheckers',
  script: '_scripts',
}

/** What waits for a reader that does not read. Beyond it lines are dropped and counted, never waited for. */
const BACKLOG_BYTES = 1 << 20

/** At a normal end, how long the last lines may take. */
const FLUSH_MS = 200

/** Where lines go. Nothing here waits. */
interface Sink {
  /** `line`: what pino writes. */
  write(line: string): void
  /** Calls when what was written is out, or cannot get out. */
  flush(done: () => void): void
}

/**
 * The log of one process: JSON lines, readable ones on a terminal, in the journal, in syslog and in a file of its own. Writing never
 * blocks the process. `TANIST_LOG` says from which level on, `logTargets` where to.
 */
export async function createLog(role: Role, name: string): Promise<Logger> {
  const options = { level: logLevel(), base: { director: name, process: role } }
  const { console, facility, file } = logTargets()
  const sinks: Sink[] = []
  let log: Logger | undefined
  const lost = (lines: number) => log?.warn({ lines }, 'log lines were dropped because nobody read the log')
  if (console && process.stdout.isTTY) {
    const { default: pretty } = await import('pino-pretty')
    const stream = pretty({ ignore: 'pid,hostname,director,process', messageFormat: '{process}: {msg}' })
    sinks.push({ write: (line) => stream.write(line), flush: (done) => done() })
  } else if (console) sinks.push(writer(ownStdout(), writesToJournal() ? journalText : (line) => line, lost))
  if (file !== undefined) sinks.push(writer(logFileOf(file, role), fileText, lost))
  if (facility !== undefined) {
    const syslog = new Syslog(facility, lost)
    sinks.push({ write: (line) => syslog.write(textLines(line)), flush: (done) => done() })
  }
  // Not a destination of pino itself: at a fatal line pino would write what waits before lines that are being written.
  const stream: DestinationStream & Pick<Logger, 'flush'> = {
    write(line) {
      for (const sink of sinks) sink.write(line)
    },
    flush(done) {
      let left = sinks.length
      for (const sink of sinks) {
        sink.flush(() => {
          left--
          if (left === 0) done?.()
        })
      }
    },
  }
  log = pino(options, stream)
  return log
}

/** Lines into what is open or has a path. `lost` is told how many were dropped when it takes some again. */
function writer(dest: number | string, format: (line: string) => string, lost: (lines: number) => void): Sink {
  let dropped = 0
  let idle = true
  const destination = pino.destination({ dest, sync: false, minLength: 0, maxLength: BACKLOG_BYTES })
  // It would be called at the exit, and try for ever when the disk is full or nobody reads; `flushLog` has done what can be done.
  destination.flushSync = () => {}
  destination.on('drop', () => dropped++)
  destination.on('drain', () => {
    idle = true
    if (dropped === 0) return
    const lines = dropped
    dropped = 0
    lost(lines)
  })
  // The reader has gone away. There is nobody left to tell.
  destination.on('error', () => {})
  return {
    write(line) {
      idle = false
      destination.write(format(line))
    },
    // Its own `flush` would wait for the disk as well, or for nothing.
    flush(done) {
      if (idle) {
        done()
        return
      }
      const end = () => {
        destination.off('drain', end).off('error', end)
        done()
      }
      destination.on('drain', end).on('error', end)
    },
  }
}

/** keepalived's name of the log of each process: `x.log`, `x_vrrp.log`, `x_healthcheckers.log`. */
export function logFileOf(file: string, role: Role): string {
  const { dir, name, ext } = parse(file)
  return join(dir, `${name}${FILE_PARTS[role]}${ext}`)
}

/** Lines of a file, which knows no time. */
const fileText = (line: string) =>
  textLines(line)
    .map(({ text }) => `${new Date().toISOString()} ${text}\n`)
    .join('')

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
