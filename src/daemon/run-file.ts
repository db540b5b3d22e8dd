import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Where the daemons of this machine have their locks and sockets, and leave what the next one is to know. A boot empties it. */
export const RUN_FOLDER = '/run/tanist'

export function makeRunFolder(): void {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o755 })
}

/** What outlives a boot. */
export const STATE_FOLDER = '/var/lib/tanist'

/** Puts a file of these folders in place, for root alone: in one step, so that a crash leaves the one before or this one. Throws. */
export function writeOwnFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const fresh = `${path}.new`
  rmSync(fresh, { force: true }) // of a daemon that was killed while it wrote
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
  renameSync(fresh, path)
}

/** What is in a JSON file of these folders, as `decode` reads it, which throws when it is something else. Undefined when there is none. Throws. */
export function readOwnFile<T>(path: string, decode: (value: unknown) => T): T | undefined {
  try {
    return decode(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error(`${path} ignored: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
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
