import {
  collectDiagnostics,
  type Diagnostic,
  diagnosticJson,
  errorsFirst,
  formatDiagnostic,
} from '../config/diagnostic.ts'
import type { Loaded } from '../config/load.ts'
import type { NotRunning } from '../model/config.ts'
import { protectionCount } from '../config/not-running.ts'
import { comparePair } from '../config/pair.ts'
import { printSettings } from '../config/print.ts'
import { readConfigToTest } from '../host/config-file.ts'
import { checkHost } from '../host/host-check.ts'
import { checkNames } from '../host/name-check.ts'

/** Every file was accepted; there may be warnings. */
const EXIT_GOOD = 0
/** Every file was accepted, but protections of one do not run; keepalived ends with no such status. */
export const EXIT_PARTIAL = 7
/** A file cannot be read. keepalived's `-t` says 4 for it, too. */
export const EXIT_UNREADABLE = 4
/** A file is refused. keepalived's `-t` says 5 for it, too. */
export const EXIT_REFUSED = 5

export type Format = 'text' | 'json'

/** From good to bad; what comes of several files is the worst. */
const BY_GRAVITY = [EXIT_GOOD, EXIT_PARTIAL, EXIT_UNREADABLE, EXIT_REFUSED] as const
type Verdict = (typeof BY_GRAVITY)[number]

/** What a check of a file found. */
interface Checked {
  readonly file: string
  readonly unreadable?: string
  readonly notRunning: readonly NotRunning[]
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * `tanistd -t`: checks each file, two of them also as a pair, and with `host` against this host. Returns the exit code.
 */
export async function testFiles(
  files: readonly string[],
  options: {
    readonly format: Format
    readonly host?: true
    readonly partial?: true
    readonly configId: string
    readonly allConfig?: true
  },
): Promise<number> {
  const loaded: Loaded[] = []
  const checked: Checked[] = []
  for (const file of files) {
    const read = readConfigToTest(file, options.configId, options.allConfig)
    if ('unreadable' in read) {
      checked.push({ file, unreadable: read.unreadable, notRunning: [], diagnostics: [] })
      continue
    }
    loaded.push(read.loaded)
    const more = collectDiagnostics()
    if (options.host === true) {
      checkHost(read.loaded.settings, read.loaded.places, more.report)
      await checkNames(read.loaded.settings, read.loaded.places, more.report)
    }
    const [first] = loaded
    if (first !== undefined && loaded.length === 2 && files.length === 2) comparePair(first, read.loaded, more.report)
    checked.push({
      file,
      notRunning: read.loaded.config?.notRunning ?? [],
      diagnostics: errorsFirst([...read.loaded.diagnostics, ...more.diagnostics]),
    })
  }
  return printChecked(checked, options.format, options.partial === true)
}

/** `tanistd --print-config`: prints what the file comes to. Mistakes go to stderr; a refused file is not printed. */
export function printConfig(
  file: string,
  options: { readonly format: Format; readonly configId: string; readonly allConfig?: true },
): number {
  const read = readConfigToTest(file, options.configId, options.allConfig)
  if ('unreadable' in read) {
    return printChecked([{ file, unreadable: read.unreadable, notRunning: [], diagnostics: [] }], 'text', true)
  }
  const checked = { file, notRunning: [], diagnostics: read.loaded.diagnostics }
  if (verdictOf(checked, true) === EXIT_REFUSED) return printChecked([checked], 'text', true)
  const { settings } = read.loaded
  process.stdout.write(
    options.format === 'json' ? `${JSON.stringify(settings, undefined, 2)}\n` : printSettings(settings),
  )
  return EXIT_GOOD
}

/**
 * Prints what was found, mistakes to stderr and the verdict to stdout; as JSON all of it to stdout. With `partial`, protections
 * that do not run are told and held against nobody.
 */
function printChecked(checked: readonly Checked[], format: Format, partial: boolean): number {
  const verdicts = checked.map((each) => verdictOf(each, partial))
  if (format === 'json') {
    const files = checked.map(({ file, unreadable, notRunning, diagnostics }, i) => ({
      file,
      accepted: verdicts[i] === EXIT_GOOD || verdicts[i] === EXIT_PARTIAL,
      ...(unreadable === undefined ? {} : { unreadable }),
      notRunning,
      diagnostics: diagnostics.map(diagnosticJson),
    }))
    process.stdout.write(`${JSON.stringify(files, undefined, 2)}\n`)
  } else {
    for (const each of checked) printText(each)
  }
  return BY_GRAVITY.findLast((verdict) => verdicts.includes(verdict)) ?? EXIT_GOOD
}

function verdictOf({ unreadable, notRunning, diagnostics }: Checked, partial: boolean): Verdict {
  if (unreadable !== undefined) return EXIT_UNREADABLE
  if (diagnostics.some(({ severity }) => severity === 'error')) return EXIT_REFUSED
  return notRunning.length > 0 && !partial ? EXIT_PARTIAL : EXIT_GOOD
}

function printText(checked: Checked): void {
  const { file, unreadable, notRunning, diagnostics } = checked
  if (unreadable !== undefined) {
    process.stderr.write(`${unreadable}\n`)
    return
  }
  for (const diagnostic of diagnostics) {
    process.stderr.write(
      `${formatDiagnostic(diagnostic, process.stderr.isTTY && process.env['NO_COLOR'] === undefined)}\n`,
    )
  }
  const count = (severity: Diagnostic['severity']) => {
    const number = diagnostics.filter((each) => each.severity === severity).length
    return number === 0 ? [] : [`${number} ${severity}${number === 1 ? '' : 's'}`]
  }
  const counts = [...count('error'), ...count('warning'), ...count('note')].join(', ')
  const refused = verdictOf(checked, true) === EXIT_REFUSED
  if (!refused && notRunning.length > 0) {
    const how = 'tanistd starts it with --partial only'
    process.stdout.write(`${file}: accepted, but ${protectionCount(notRunning.length)}: ${how} (${counts})\n`)
  } else if (!refused) process.stdout.write(`${file}: good${counts === '' ? '' : ` (${counts})`}\n`)
  else process.stderr.write(`${file}: ${counts}\n`)
}
