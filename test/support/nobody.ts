import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** Every Debian has this folder, for mounts. */
const PLACE = '/mnt'
/** Mounts the repository there, for itself alone, and runs the rest as nobody. */
const SCRIPT = `mount --bind "$1" ${PLACE} && shift && cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"`

/**
 * The command line by which nobody runs a command of Debian's or, given with its path in it, of this repository, which may lie where
 * only root can read it.
 */
export function asNobody(command: readonly [string, ...string[]]): [string, ...string[]] {
  const there = command.map((word) => (word.startsWith(`${ROOT}/`) ? PLACE + word.slice(ROOT.length) : word))
  return ['unshare', '--mount', '--propagation', 'private', '--', 'sh', '-c', SCRIPT, 'sh', ROOT, ...there]
}
