/**
 * A test finds only programs that are on every machine after setup.sh: those of the packages that it lists, of the packages
 * that every Debian has, and Node's own. What this machine happens to have beyond that is not on the path, so that what
 * passes here passes on a new machine.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '../..')
const PROGRAM_FOLDERS = new Set(['/bin', '/sbin', '/usr/bin', '/usr/sbin'])
/** Links from the name of a task to the program that does it: awk, iptables. */
const ALTERNATIVES = '/etc/alternatives'
/** Of the folder of links. */
const PREFIX = 'tanist-programs-'

/** The list of setup.sh: each package, and the program that it is there for, if that shows that it is installed. */
export function listedPackages(): { readonly name: string; readonly program: string | undefined }[] {
  const [, list = ''] = /^packages='\n(.*?)^'$/ms.exec(readFileSync(join(REPOSITORY, 'setup.sh'), 'utf8')) ?? []
  return list.split('\n').flatMap((line) => {
    const [name = '', proof = ''] = line.split(/\s+/)
    return name === '' ? [] : [{ name, program: /^command:(.*)$/.exec(proof)?.[1] }]
  })
}

function query(...args: readonly string[]): string[] {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 26 } as const
  return execFileSync('dpkg-query', args, options).split('\n')
}

/** Debian calls them essential, or gives them the priority `required`. */
function packagesOfEveryDebian(): string[] {
  return query('-W', '-f', '${Package} ${Essential} ${Priority}\\n').flatMap((line) => {
    const [name = '', essential, priority] = line.split(' ')
    return essential === 'yes' || priority === 'required' ? [name] : []
  })
}

/** Where a program is now; undefined when it is nowhere. */
function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Programs by name: where they are. */
export function listedPrograms(): ReadonlyMap<string, string> {
  const programs = new Map<string, string>()
  const files = new Set(query('-L', ...packagesOfEveryDebian(), ...listedPackages().map(({ name }) => name)))
  for (const path of files) if (PROGRAM_FOLDERS.has(dirname(path))) programs.set(basename(path), path)
  for (const entry of readdirSync(ALTERNATIVES, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue
    const { name } = entry
    const path = readlinkSync(join(ALTERNATIVES, name))
    if (programs.has(basename(path))) programs.set(name, path)
  }
  for (const program of ['npm', 'npx']) {
    const path = onPath(program)
    if (path !== undefined) programs.set(program, path)
  }
  return programs.set('node', process.execPath)
}

/** vitest's global set-up of each project: a folder of links to them is the path of every test. One is enough for all projects. */
export default function onlyListedPrograms(): (() => void) | undefined {
  if (process.env['PATH']?.includes(join(tmpdir(), PREFIX)) === true) return undefined
  const folder = mkdtempSync(join(tmpdir(), PREFIX))
  chmodSync(folder, 0o755) // the check process is not root, and starts ping
  for (const [name, path] of listedPrograms()) symlinkSync(path, join(folder, name))
  process.env['PATH'] = [folder, join(REPOSITORY, 'node_modules/.bin')].join(delimiter)
  return () => rmSync(folder, { recursive: true })
}
