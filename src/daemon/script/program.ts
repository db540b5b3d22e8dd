import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { walkPath } from '../../host/safe-path.ts'

/** Where the path of a program leads now, or why it is not started. */
export type FoundProgram = { readonly file: string } | { readonly error: string }

/** As the shell's own (confstr(3), `_CS_PATH`), for an environment without PATH. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The program that a command begins with. A name without a slash is looked for in PATH, as keepalived does. Symbolic links stay as they
 * are, since programs look at the name that they are called by: Debian's `pidof` by its real path is `killall5`, which ends every process.
 * `secure`: nobody but root can change what it is. Looked at again for each start: what was safe when the file was read need not be now.
 */
export async function findProgram(name: string, secure: boolean): Promise<FoundProgram> {
  const path = name.includes('/') ? name : await onPath(name)
  if (path === undefined) return { error: `there is no program ${name} in PATH` }
  if (!path.startsWith('/')) return { error: `${path} is no absolute path` }
  // Otherwise nothing is looked at, so that a file system that hangs holds up the program alone.
  const problem = secure ? await weaknessOn(path) : undefined
  return problem === undefined ? { file: path } : { error: problem }
}

/** Why a program is not safe for root. */
async function weaknessOn(path: string): Promise<string | undefined> {
  const walked = await walkPath(path)
  if ('error' in walked) return `${path}: ${walked.error}`
  if (!walked.isFile) return `${path} is not a regular file`
  if (walked.weak === undefined) return undefined
  const { part, why } = walked.weak
  return `${path} would run as root, but others can change ${part}: ${why}`
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? DEFAULT_PATH).split(delimiter)) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // In the next one.
    }
  }
  return undefined
}
