import { readdirSync, readFileSync } from 'node:fs'
import { calls, lastErrno, SystemError } from './libc.ts'
import { int32 } from './socket.ts'

const SCHED_OTHER = 0
const SCHED_RR = 2
const PRIO_PROCESS = 0
/** The kernel takes longer masks than it has CPUs, and cuts them. */
const MAX_CPUS = 4096

/** How the threads of a process get their CPU time. What is undefined is left as it is. */
export interface Scheduling {
  /** -20 (first) to 19 (last), among those without real-time priority. */
  readonly nice: number | undefined
  /** 1 to 99 (SCHED_RR), before all of those; 0: none. */
  readonly realtime: number | undefined
  /** Numbers of those that it may run on. */
  readonly cpus: readonly number[] | undefined
}

/** No such process, or thread. */
const ESRCH = 3
/** BOUNDED: how often it is looked for threads that were started meanwhile, by one that had not been reached yet. */
const MOST_LOOKS = 10

/** Applies to every thread that a process has, and to those that these start from now on. Returns what the kernel has refused, once each. */
export function schedule(pid: number, wanted: Scheduling): readonly SystemError[] {
  const refused = new Map<string, SystemError>()
  const done = new Set<number>()
  for (let look = 0; look < MOST_LOOKS; look++) {
    const threads = readdirSync(`/proc/${pid}/task`).map(Number)
    const others = threads.filter((thread) => !done.has(thread))
    if (others.length === 0) break
    for (const thread of others) {
      scheduleThread(thread, wanted, refused)
      done.add(thread)
    }
  }
  return [...refused.values()]
}

/** One that has ended meanwhile needs nothing. */
function scheduleThread(thread: number, { nice, realtime, cpus }: Scheduling, refused: Map<string, SystemError>): void {
  const attempt = (what: string, call: () => number) => {
    if (refused.has(what) || call() >= 0 || lastErrno() === ESRCH) return
    refused.set(what, new SystemError(`set ${what} of`, `thread ${thread}`, lastErrno()))
  }
  if (cpus !== undefined) attempt('the CPUs', () => calls.schedSetaffinity(thread, MAX_CPUS / 8, cpuMask(cpus)))
  if (nice !== undefined) attempt('the nice value', () => calls.setpriority(PRIO_PROCESS, thread, nice))
  if (realtime !== undefined) {
    const policy = realtime === 0 ? SCHED_OTHER : SCHED_RR
    attempt('the real-time priority', () => calls.schedSetscheduler(thread, policy, int32(realtime)))
  }
}

function cpuMask(cpus: readonly number[]): Uint8Array {
  const mask = new Uint8Array(MAX_CPUS / 8)
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7))
  return mask
}

/** The CPUs that this process may run on. */
export function allowedCpus(): readonly number[] {
  const [, list = ''] = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

const MCL_CURRENT = 1
const MCL_FUTURE = 2
const MCL_ONFAULT = 4

/**
 * Keeps what this process has in memory there, and what it will have, or lets go of it. Only what was used once: Node reserves far more
 * than it uses. Returns why not. Without leave to lock as much as there is nothing is locked, since a later allocation would fail.
 */
export function lockMemory(locked: boolean): SystemError | Error | undefined {
  if (!locked) {
    calls.munlockall()
    return undefined
  }
  if (!mayLockAll()) return new Error('lock memory: the limit of locked memory is too low')
  return calls.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0
    ? new SystemError('lock', 'memory', lastErrno())
    : undefined
}

const CAP_IPC_LOCK = 14n

/** By a capability, or for want of a limit (mlock(2)). */
function mayLockAll(): boolean {
  const [, effective = '0'] = /^CapEff:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const isFree = /^Max locked memory\s+unlimited/m.test(readFileSync('/proc/self/limits', 'utf8'))
  return isFree || ((BigInt(`0x${effective}`) >> CAP_IPC_LOCK) & 1n) === 1n
}
