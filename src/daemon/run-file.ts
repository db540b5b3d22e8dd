import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Where the daemons of this machine have their locks and sockets, and leave what the next one is to know. A boot empties it. */
export const RUN_FOLDER = '/run/tanist'

export function makeRunFolder(): void {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o755 })
}

/** Puts a file of this folder in place, for root alone: in one step, so that a crash leaves the one before or this one. Throws. */
export function writeRunFile(path: string, text: string): void {
  makeRunFolder()
  const fresh = `${path}.new`
  rmSync(fresh, { force: true }) // of a daemon that was killed while it wrote
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
  renameSync(fresh, path)
}
