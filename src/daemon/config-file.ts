import { globSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { formatDiagnostic, type Severity } from '../config/diagnostic.ts'
import { loadConfig, type Loaded } from '../config/load.ts'
import type { Config } from '../config/model.ts'
import { type Files, hasWildcard } from '../config/preprocess/include.ts'

/** Largest configuration file that is read; a larger one is not a configuration. */
const SIZE_LIMIT = 64 * 1024 * 1024

/** The files of this host. */
const hostFiles: Files = {
  glob(pattern, directory) {
    const path = isAbsolute(pattern) ? pattern : join(directory, pattern)
    if (!hasWildcard(path)) return statSync(path, { throwIfNoEntry: false }) === undefined ? [] : [path]
    return globSync(path).filter(isNotHidden(path)).toSorted()
  },
  read(path) {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat?.isFile() === false ? { error: 'it is not a regular file' } : readText(path)
  },
  directoryOf: (path) => dirname(path),
}

/** As in a shell, `*` and `?` match no leading dot. */
function isNotHidden(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/')
  return (path) =>
    path.split('/').every((part, index) => !part.startsWith('.') || parts[index]?.startsWith('.') === true)
}

function readText(path: string): { readonly text: string } | { readonly error: string } {
  try {
    if (statSync(path).size > SIZE_LIMIT) return { error: `it is larger than ${SIZE_LIMIT} bytes` }
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** What the system said of a file, in a word: `ENOENT`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error)
}

/** keepalived's config-id: what `@ID` lines and `${_INSTANCE}` mean by this host. */
export function defaultConfigId(): string {
  return hostname().split('.')[0] ?? ''
}

/** A configuration file as it was read, or why it could not be. */
export type ConfigFile = { readonly loaded: Loaded } | { readonly unreadable: string }

/** Reads and checks a file, which may be a pipe, and the regular files that it includes. Looks at nothing but files and, for `${_ENV …}`, the environment. */
export function readConfigFile(path: string, configId: string): ConfigFile {
  const found = readText(path)
  if ('error' in found) return { unreadable: `cannot read ${path}: ${found.error}` }
  const surroundings = {
    files: hostFiles,
    configId,
    environment: (name: string) => process.env[name] ?? '',
    random: (low: number, high: number) => low + Math.floor(Math.random() * (high - low + 1)),
  }
  return { loaded: loadConfig({ name: path, text: found.text }, surroundings) }
}

/** What a daemon does with a file: the configuration to run, if it was accepted, and what to tell people. */
export function configToRun(file: ConfigFile): {
  readonly config: Config | undefined
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
} {
  if ('unreadable' in file) return { config: undefined, errors: [file.unreadable], warnings: [] }
  const show = (severity: Severity) =>
    file.loaded.diagnostics.filter((each) => each.severity === severity).map((each) => formatDiagnostic(each))
  return { config: file.loaded.config, errors: show('error'), warnings: show('warning') }
}
