import { globSync, lstatSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { formatDiagnostic, type Severity } from '../config/diagnostic.ts'
import { loadConfig, type Loaded } from '../config/load.ts'
import { onlyPart, type Part, withoutBfd } from '../config/part.ts'
import type { Config, NotRunning } from '../model/config.ts'
import type { HostAnswer } from '../model/host-name.ts'
import { notRunningText, protectionCount } from '../config/not-running.ts'
import { type Files, hasWildcard } from '../config/preprocess/include.ts'
import type { Surroundings } from '../config/preprocess/preprocess.ts'
import { regexFault } from './regex.ts'
import { withKeyFiles } from './key-file.ts'
import { type FileText, readRegularFile, readStandardInput } from './regular-file.ts'

/** Bytes of a configuration with all the files that it includes; more is not a configuration. */
const SIZE_LIMIT = 64 * 1024 * 1024

/** What `tanistd -t` takes for standard input. */
const STANDARD_INPUT = '-'

/** The files of this host, regular ones alone, of at most `SIZE_LIMIT` bytes together. */
function hostFiles(): Files {
  let left = SIZE_LIMIT
  return {
    glob(pattern, directory) {
      const within = (path: string) => (isAbsolute(path) ? path : join(directory, path))
      if (!hasWildcard(pattern)) return isMissing(within(pattern)) ? [] : [within(pattern)]
      // `**` is two stars here, as in glob(3): it never searches whole trees.
      const found = globSync(pattern.replace(/\*{2,}/g, '*'), { cwd: directory })
      return found.filter(isNotHidden(pattern)).map(within).toSorted()
    },
    read(path) {
      const found = readRegularFile(path, left)
      if ('text' in found) left -= found.text.length
      return found
    },
    directoryOf: (path) => dirname(path),
  }
}

/** Whether nothing has this name. What cannot be looked at is there: reading it tells why. */
function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** As in a shell, `*` and `?` match no leading dot. */
function isNotHidden(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/')
  return (path) =>
    path.split('/').every((part, index) => !part.startsWith('.') || parts[index]?.startsWith('.') === true)
}

/** keepalived's config-id: what `@ID` lines and `${_INSTANCE}` mean by this host. */
export function defaultConfigId(): string {
  return hostname().split('.')[0] ?? ''
}

/** A configuration file as it was read, or why it could not be. */
export type ConfigFile = { readonly loaded: Loaded } | { readonly unreadable: string }

/**
 * Reads and checks a regular file, and those that it includes. Looks at nothing but files and, for `${_ENV …}`, the environment. Never
 * waits. `allIncluded`: an include that finds no file is an error everywhere, as after `include_check`.
 */
export function readConfigFile(path: string, configId: string, allIncluded = false): ConfigFile {
  const files = hostFiles()
  return configOf(path, files.read(path), files, configId, allIncluded)
}

/** The same for a daemon: the configuration is what it runs of the file. */
export function readPart(what: {
  readonly file: string
  readonly configId: string
  readonly allConfig: boolean
  readonly part: Part
  readonly bfd: boolean
}): ConfigFile {
  const read = readConfigFile(what.file, what.configId, what.allConfig)
  if ('unreadable' in read) return read
  const { loaded } = read
  const configAt = (answers: readonly HostAnswer[]) => {
    const whole = loaded.configAt(answers)
    const config = whole && onlyPart(whole, what.part)
    return config === undefined || what.bfd ? config : withoutBfd(config)
  }
  return { loaded: { ...loaded, config: configAt([]), configAt } }
}

/** The same for people who wait for the answer: `-` is standard input. */
export function readConfigToTest(path: string, configId: string, allIncluded = false): ConfigFile {
  if (path !== STANDARD_INPUT) return readConfigFile(path, configId, allIncluded)
  return configOf(path, readStandardInput(SIZE_LIMIT), hostFiles(), configId, allIncluded)
}

/** The same for a text that is in no file: what it includes is looked for as from a file of that path. */
export function readConfigText(path: string, text: string, configId: string): Loaded {
  return loadConfig({ name: path, text }, hostSurroundings(configId))
}

function configOf(path: string, found: FileText, files: Files, configId: string, allIncluded: boolean): ConfigFile {
  if ('error' in found) return { unreadable: `cannot read ${path}: ${found.error}` }
  const source = { name: path === STANDARD_INPUT ? 'standard input' : path, text: found.text }
  return { loaded: loadConfig(source, hostSurroundings(configId, allIncluded, files)) }
}

/** What a configuration may ask this host for. */
export function hostSurroundings(configId: string, allIncluded = false, files: Files = hostFiles()): Surroundings {
  return {
    files,
    configId,
    regexFault,
    allIncluded,
    environment: (name) => process.env[name] ?? '',
    random: (low, high) => low + Math.floor(Math.random() * (high - low + 1)),
  }
}

/**
 * What a daemon does with a file: the configuration to run, if it was accepted, and what to tell people. Protections that do not
 * run are errors, unless it is to go on without them: then they are in the configuration.
 */
export function configToRun(
  file: ConfigFile,
  partial: boolean,
): {
  readonly config: Config | undefined
  /** The same with what is known of the names of real servers. Reads no file. */
  readonly configAt: (answers: readonly HostAnswer[]) => Config | undefined
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
} {
  const none = { config: undefined, configAt: () => undefined }
  if ('unreadable' in file) return { ...none, errors: [file.unreadable], warnings: [] }
  const show = (severity: Severity) =>
    file.loaded.diagnostics
      .filter((each) => each.severity === severity && each.code !== 'not-running')
      .map((each) => formatDiagnostic(each))
  const { config, configAt } = file.loaded
  if (config === undefined) return { ...none, errors: show('error'), warnings: show('warning') }
  const keyed = withKeyFiles(config)
  const errors = config.notRunning.length > 0 && !partial ? [refusalOf(config.notRunning)] : keyed.errors
  const warnings = show('warning')
  if (errors.length > 0) return { ...none, errors, warnings }
  const named = keyed.config.hosts.length > 0
  return {
    config: keyed.config,
    configAt: named ? keyedAt(keyed.config, configAt) : always(keyed.config),
    errors,
    warnings,
  }
}

/** Keeps nothing else alive: what was read of a file is large. */
const always = (config: Config) => () => config

const keyedAt =
  ({ instances }: Config, configAt: Loaded['configAt']): Loaded['configAt'] =>
  (answers) => {
    const config = configAt(answers)
    return config && { ...config, instances }
  }

/** Why a daemon does not run a file that was accepted, with what it would not do. */
function refusalOf(notRunning: readonly NotRunning[]): string {
  const count = protectionCount(notRunning.length)
  return [`${count}; tanistd --partial runs the rest all the same:`, ...notRunning.map(notRunningText)].join('\n  ')
}
