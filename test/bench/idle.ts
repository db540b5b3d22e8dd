import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DirectorHost } from '../support/director.ts'

/** What a daemon costs while nothing happens. */
export interface IdleCost {
  /** Share of one core, all processes together. */
  readonly cpu: number
  readonly memory: readonly { readonly role: string; readonly mebibytes: number }[]
}

/** Clock ticks a second, on every Linux machine (sysconf(_SC_CLK_TCK)). */
const TICKS = 100

/** Watches a running daemon for some seconds. */
export async function idleCost(director: DirectorHost, seconds: number): Promise<IdleCost> {
  const { processes } = await director.status()
  const pids = processes.flatMap(({ pid }) => pid ?? [])
  const before = pids.map(cpuTicks)
  const start = performance.now()
  await sleep(seconds * 1000)
  const elapsed = (performance.now() - start) / 1000
  const used = pids.reduce((sum, pid, i) => sum + cpuTicks(pid) - (before[i] ?? 0), 0) / TICKS
  const after = await director.status()
  return {
    cpu: used / elapsed,
    memory: after.processes.map(({ role, residentBytes }) => ({ role, mebibytes: (residentBytes ?? 0) / 2 ** 20 })),
  }
}

/** User and system time of a process and of those that it has started and waited for, in ticks (proc(5)). */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}
