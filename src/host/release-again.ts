import { spawn } from 'node:child_process'
import { commandLine } from '../linux/process.ts'
import type { Millis } from '../time.ts'

/** In the environment of the second time: there is no third one. */
const MARK = 'TANIST_RELEASED_BEFORE'
/** The kernel takes addresses away when their time is over, up to so many seconds late. */
const LATE_S = 1

/**
 * Runs this same `tanistd --release` once more behind `after`, when the addresses have gone that interfaces of ours still had, and takes
 * these away. Nobody waits for it: systemd starts the daemon again meanwhile, which it leaves alone, and finds the interfaces itself.
 */
export function releaseAgain(after: Millis): void {
  if (process.env[MARK] !== undefined) return
  const seconds = Math.ceil(after / 1000) + LATE_S
  const env = { ...process.env, [MARK]: '1' }
  const again = ['-c', 'sleep "$0" && exec "$@"', `${seconds}`, ...commandLine()]
  spawn('/bin/sh', again, { detached: true, stdio: 'ignore', env }).unref()
}
