import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/**
 * Packages of Debian, unpacked once into a folder of that name and not installed: what begins with the machine as soon as it is a
 * package of it has no place on the machine of somebody who runs tests. Returns the folder.
 */
export function unpacked(name: string, packages: readonly string[]): string {
  const folder = join(CACHE, name)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(join(CACHE, 'new-'))
  const download = () =>
    execFileSync('apt-get', ['download', '-qq', ...packages], { cwd: fresh, stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    try {
      download()
    } catch {
      // The lists of packages are older than the packages.
      execFileSync('apt-get', ['update', '-qq'])
      download()
    }
    for (const archive of readdirSync(fresh)) execFileSync('dpkg', ['-x', archive, '.'], { cwd: fresh })
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}

/** `LD_LIBRARY_PATH=…`: the libraries of such a folder, and those of packages that have a folder of their own for them. */
export function librariesOf(folder: string, ...own: readonly string[]): string {
  const libraries = join(folder, 'usr/lib')
  const byMachine = readdirSync(libraries).map((each) => join(libraries, each))
  return `LD_LIBRARY_PATH=${byMachine.flatMap((each) => [each, ...own.map((name) => join(each, name))]).join(':')}`
}
