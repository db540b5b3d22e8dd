import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** As the kernel follows them (path_resolution(7)). */
const MOST_LINKS = 40

/**
 * Follows an absolute path, through symbolic links, as far as there is something: `visit` is told of each name that decides where it
 * leads, and of the directory in which it is looked up, before that is done. Whoever watches all of them misses no change.
 */
export function followPath(path: string, visit: (directory: string, name: string) => void): void {
  let names = path.split('/')
  let directory = '/'
  for (let links = 0; names.length > 0;) {
    const [name = '', ...rest] = names
    names = rest
    if (name === '' || name === '.') continue
    const next = join(directory, name)
    if (name !== '..') visit(directory, name)
    const target = linkOrNot(next)
    if (target === undefined) return
    if (target === null) {
      directory = next
      continue
    }
    if (++links > MOST_LINKS) return
    if (target.startsWith('/')) directory = '/'
    names = [...target.split('/'), ...names]
  }
}

/** Where it leads if it is a symbolic link, null if it is something else, undefined if there is nothing that we may see. */
function linkOrNot(path: string): string | null | undefined {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return undefined
    return found.isSymbolicLink() ? readlinkSync(path) : null
  } catch {
    return undefined
  }
}
