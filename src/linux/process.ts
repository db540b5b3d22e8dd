import { closeSync, existsSync, openSync, readdirSync, statSync } from 'node:fs'
import { keepMarking, outliveChangeOfUser } from './capabilities.ts'
import { calls, checked, lastErrno, SystemError } from './libc.ts'
import { AF_UNIX, int32, Socket, SOCK_DGRAM } from './socket.ts'

const SCHED_RR = 2
const LOCK_EX = 2
const LOCK_NB = 4
export const LOWEST_REALTIME_PRIORITY = 1
const NSENTER = '/usr/bin/nsenter'

/**
 * Puts every thread of this process before ordinary ones. The lowest real-time priority is enough for that and leaves
 * the kernel's own threads in front. Returns what the kernel said when it is not allowed.
 */
export function becomeRealtime(): SystemError | undefined {
  for (const thread of readdirSync('/proc/self/task')) {
    if (calls.schedSetscheduler(Number(thread), SCHED_RR, int32(LOWEST_REALTIME_PRIORITY)) < 0) {
      return new SystemError('set real-time priority of', `thread ${thread}`, lastErrno())
    }
  }
  return undefined
}

const RLIMIT_NOFILE = 7
/** What systemd and the kernel give to programs, since `select` knows no descriptors beyond. */
const USUAL_DESCRIPTORS = 1024n

/**
 * Programs that this process starts may have as many open files as usual, and more if they ask for it. Node has raised its own limit to
 * the highest that is allowed, with which some programs take minutes to close what could be open. Throws SystemError.
 */
export function limitDescriptors(): void {
  const limits = new BigUint64Array(2) // struct rlimit: the limit, and how far it may be raised
  const bytes = new Uint8Array(limits.buffer)
  checked(calls.getrlimit(RLIMIT_NOFILE, bytes), 'ask for', 'the limit of open files')
  const [soft = 0n] = limits
  if (soft > USUAL_DESCRIPTORS) limits[0] = USUAL_DESCRIPTORS
  checked(calls.setrlimit(RLIMIT_NOFILE, bytes), 'set', 'the limit of open files')
}

const F_SETFD = 2
const FD_CLOEXEC = 1

/** Files that this process has been started with, besides the standard ones, are not for programs that it starts. */
export function keepDescriptors(): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    // The one that read the folder is closed by now.
    if (fd > 2) calls.fcntl(fd, F_SETFD, FD_CLOEXEC)
  }
}

/**
 * Goes on as another user without any group besides, and without a way back. Does nothing when this process is not root. `mayMark`: this
 * thread may go on marking packets.
 */
export function becomeUser(uid: number, gid: number, mayMark: boolean): void {
  if (process.getuid?.() !== 0) return
  if (mayMark) outliveChangeOfUser()
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  if (mayMark) keepMarking()
}

/**
 * Holds a lock on a file until this process ends, however it ends. False when another process holds it. Throws when the
 * file cannot be opened.
 */
export function holdLock(path: string): boolean {
  const fd = openSync(path, 'a', 0o600)
  if (calls.flock(fd, LOCK_EX | LOCK_NB) === 0) return true
  closeSync(fd)
  return false
}

/**
 * Goes on in a network namespace that `ip netns` has named: this process becomes `nsenter`, and that this program again,
 * with the same number. Does nothing when it is there already. Throws when there is no such namespace.
 *
 * Only a start from the beginning moves every thread of the process. `keep`: a descriptor that it has again afterwards, besides the
 * standard ones; the others are closed.
 */
export function enterNetworkNamespace(name: string, keep?: number): void {
  const path = `/run/netns/${name}`
  if (statSync(path).ino === statSync('/proc/self/ns/net').ino) return
  if (!existsSync(NSENTER)) throw new Error(`there is no ${NSENTER}: install util-linux`)
  // Node has it closed at an exec, as all that it was started with.
  if (keep !== undefined) checked(calls.fcntl(keep, F_SETFD, 0), 'keep open', `descriptor ${keep}`)
  process.execve?.(NSENTER, ['nsenter', `--net=${path}`, '--', ...commandLine()], process.env)
}

/** How this process was started: node, its options, the program's path as it was named, and its arguments. */
export function commandLine(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
}

/**
 * Becomes the program that its command line names by now, with the same number, children and environment. All files but the
 * standard ones are closed, so locks are free for a moment. Does not return.
 */
export function replaceProgram(): void {
  const [file, ...args] = commandLine()
  process.execve?.(file, [file, ...args], process.env)
}

/** This process is in a session of its own from now on, without a terminal. One that leads a group stays where it is. */
export function becomeSession(): void {
  calls.setsid()
}

const WNOHANG = 1

/**
 * What has become of a child that this process had before it became this program. Takes it out of the process table when it has
 * ended; then, and for any other process, it is not ours.
 */
export function inheritedChild(pid: number): 'running' | 'ended' | 'not ours' {
  const found = calls.waitpid(pid, null, WNOHANG)
  if (found === 0) return 'running'
  return found === pid ? 'ended' : 'not ours'
}

/** The first of the descriptors that systemd hands over. */
const FIRST_HANDED_OVER = 3

/** The listening socket that systemd has made for this process (sd_listen_fds(3)); undefined when there is none. */
export function handedOverSocket(): number | undefined {
  const { LISTEN_FDS: count, LISTEN_PID: pid } = process.env
  return Number(pid) === process.pid && Number(count) >= 1 ? FIRST_HANDED_OVER : undefined
}

/** Tells systemd about the service (sd_notify(3)). Does nothing when it was not started by systemd. */
export function notifySystemd(state: string): void {
  const path = process.env['NOTIFY_SOCKET']
  if (path === undefined || path === '') return
  const socket = new Socket('systemd notify', AF_UNIX, SOCK_DGRAM, 0)
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  socket.send(Buffer.from(state), Buffer.concat([Uint8Array.of(AF_UNIX, 0), name]))
  socket.close()
}

/**
 * Tells systemd's watchdog (sd_watchdog_enabled(3)) that this process works, at once and three times in its period, as long as `isWell`
 * says so. At once, since the period goes on over `replaceProgram`, and one upgrade may follow the other. Does nothing when there
 * is no watchdog for this process.
 */
export function feedWatchdog(isWell: () => boolean): void {
  const { WATCHDOG_USEC: period, WATCHDOG_PID: pid } = process.env
  if (period === undefined || (pid !== undefined && Number(pid) !== process.pid)) return
  const feed = () => {
    if (isWell()) notifySystemd('WATCHDOG=1')
  }
  feed()
  setInterval(feed, Number(period) / 3000)
}
