import { Buffer } from 'node:buffer'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

/** A process as /proc shows it (proc(5)). Its bytes are characters of Latin 1. */
export interface ProcessInfo {
  readonly parent: number
  /** At most 15 bytes. */
  readonly name: string
  /** Its arguments, each ended by a zero byte; cut; empty when it was not asked for. */
  readonly commandLine: string
}

/** Name, state and parent are at the beginning. */
const STAT_BYTES = 128
const buffer = Buffer.alloc(64 * 1024)

/** All processes that there are, as far as this one may see them. */
export function processIds(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : []))
}

/** Undefined when it has ended. `commandBytes`: how much of its command line is read, 64 KiB at most. */
export function processInfo(pid: number, commandBytes: number): ProcessInfo | undefined {
  const stat = read(`/proc/${pid}/stat`, STAT_BYTES)
  // A name may contain anything, so the last bracket ends it.
  const [, name, state, parent] = /\((.*)\) (\S) (\d+)/s.exec(stat ?? '') ?? []
  if (name === undefined || state === 'Z' || state === 'X') return undefined
  const commandLine = commandBytes === 0 ? '' : (read(`/proc/${pid}/cmdline`, commandBytes) ?? '')
  return { parent: Number(parent), name, commandLine }
}

function read(path: string, bytes: number): string | undefined {
  try {
    const file = openSync(path, 'r')
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, Math.min(bytes, buffer.length), 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}
