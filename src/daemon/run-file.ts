import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'

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

/**
 * Puts a file that everybody may read in place, in one step, in a folder that may be anybody's, such as /tmp: whoever has put a link or
 * a file of that name there loses it, and nothing is written through it. Throws.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const fresh = `${path}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' }) // O_EXCL follows no link
    chmodSync(fresh, mode)
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}
