import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { reasonOf } from './regular-file.ts'

/** Writable by the group or by others. */
const WRITABLE = 0o022
/** Only the owner of an entry may remove it, as in /tmp. */
const STICKY = 0o1000
/** As many as the kernel follows (path_resolution(7)). */
const LINKS = 40

/** How somebody but root can change a file, or what is in a folder on the way to it; undefined when nobody can. */
export function weaknessOf({ uid, mode }: Pick<Stats, 'uid' | 'mode'>, what: 'file' | 'folder'): string | undefined {
  const sticky = what === 'folder' && (mode & STICKY) !== 0
  if (uid === 0 && ((mode & WRITABLE) === 0 || sticky)) return undefined
  const shown = (mode & 0o7777).toString(8).padStart(4, '0')
  return uid === 0 ? `its mode is ${shown}` : `it belongs to user ${uid} (mode ${shown})`
}

/** A path as the kernel goes it, at the moment of asking. */
export type WalkedPath =
  | {
      readonly isFile: boolean
      /** What somebody but root can change on the way, and how. */
      readonly weak: { readonly part: string; readonly why: string } | undefined
    }
  | { readonly error: string }

/**
 * Goes an absolute path part by part, through every symbolic link, and looks at each folder that has a say in where it leads. Does not
 * hold up the process, however slow the file system is.
 */
export async function walkPath(path: string): Promise<WalkedPath> {
  try {
    return await walk(path)
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

async function walk(path: string): Promise<WalkedPath> {
  const root = await lstat('/')
  let at = '/'
  let stats = root
  let weak = weakIn(at, stats)
  let links = 0
  const left = path.split('/')
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.') continue
    const next = join(at, name)
    const found = await lstat(next)
    if (found.isSymbolicLink()) {
      if (++links > LINKS) return { error: 'too many symbolic links' }
      const target = await readlink(next)
      left.unshift(...target.split('/'))
      // In a folder like /tmp a link is its owner's, who says where it leads.
      if ((stats.mode & WRITABLE) !== 0 && found.uid !== 0) {
        weak ??= { part: next, why: `it belongs to user ${found.uid}` }
      }
      if (isAbsolute(target)) {
        at = '/'
        stats = root
      }
      continue
    }
    at = next
    stats = found
    weak ??= weakIn(at, stats)
  }
  return { isFile: stats.isFile(), weak }
}

function weakIn(part: string, stats: Stats): { readonly part: string; readonly why: string } | undefined {
  const why = weaknessOf(stats, stats.isDirectory() ? 'folder' : 'file')
  return why === undefined ? undefined : { part, why }
}
