import { readFileSync } from 'node:fs'
import type { ProcessSnapshot } from '../../control/snapshot.ts'

/** One of the daemon's processes for people, with the memory that it has now. */
export function processSnapshot(
  role: ProcessSnapshot['role'],
  { pid, restarts, lastEnd }: Pick<ProcessSnapshot, 'pid' | 'restarts' | 'lastEnd'>,
): ProcessSnapshot {
  return { role, pid, restarts, lastEnd, residentBytes: pid === undefined ? undefined : residentBytes(pid) }
}

function residentBytes(pid: number): number | undefined {
  try {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return match === null ? undefined : Number(match[1]) * 1024
  } catch {
    return undefined // it has just ended
  }
}
