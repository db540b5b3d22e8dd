import { collectDiagnostics, type Diagnostic, diagnosticJson, formatDiagnostic } from '../config/diagnostic.ts'
import type { Loaded } from '../config/load.ts'
import { comparePair } from '../config/pair.ts'
import { printSettings } from '../config/print.ts'
import { readConfigToTest } from '../daemon/config-file.ts'
import { checkHost } from '../daemon/host-check.ts'

/** Every file was accepted; there may be warnings. */
const EXIT_GOOD = 0
/** A file cannot be read. keepalived's `-t` says 4 for it, too. */
export const EXIT_UNREADABLE = 4
/** A file is refused. keepalived's `-t` says 5 for it, too. */
export const EXIT_REFUSED = 5

export type Format = 'text' | 'json'

/** What a check of a file found. */
interface Checked {
  readonly file: string
  readonly unreadable?: string
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * `tanistd -t`: checks each file, two of them also as a pair, and with `host` against this host. Returns the exit code.
 */
export function testFiles(
  files: readonly string[],
  options: { readonly format: Format; readonly host?: true; readonly configId: string },
): number {
  const loaded: Loaded[] = []
  const checked = files.map((file): Checked => {
    const read = readConfigToTest(file, options.configId)
    if ('unreadable' in read) return { file, unreadable: read.unreadable, diagnostics: [] }
    loaded.push(read.loaded)
    const more = collectDiagnostics()
    if (options.host === true) checkHost(read.loaded.settings, read.loaded.places, more.report)
    const [first] = loaded
    if (first !== undefined && loaded.length === 2) comparePair(first, read.loaded, more.report)
    return { file, diagnostics: [...read.loaded.diagnostics, ...more.diagnostics] }
  })
  return printChecked(checked, options.format)
}

/** `tanistd --print-config`: prints what the file comes to. Mistakes go to stderr; a refused file is not printed. */
export function printConfig(file: string, options: { readonly format: Format; readonly configId: string }): number {
  const read = readConfigToTest(file, options.configId)
  const code =
    'unreadable' in read
      ? printChecked([{ file, unreadable: read.unreadable, diagnostics: [] }], 'text')
      : verdictOf(undefined, read.loaded.diagnostics)
  if ('unreadable' in read) return code
  if (code !== EXIT_GOOD) return printChecked([{ file, diagnostics: read.loaded.diagnostics }], 'text')
  const { settings } = read.loaded
  process.stdout.write(
    options.format === 'json' ? `${JSON.stringify(settings, undefined, 2)}\n` : printSettings(settings),
  )
  return code
}

/** Prints what was found, mistakes to stderr and the verdict to stdout; as JSON all of it to stdout. */
function printChecked(checked: readonly Checked[], format: Format): number {
  if (format === 'json') {
    const files = checked.map(({ file, unreadable, diagnostics }) => ({
      file,
      accepted: verdictOf(unreadable, diagnostics) === EXIT_GOOD,
      ...(unreadable === undefined ? {} : { unreadable }),
      diagnostics: diagnostics.map(diagnosticJson),
    }))
    process.stdout.write(`${JSON.stringify(files, undefined, 2)}\n`)
  } else {
    for (const each of checked) printText(each)
  }
  return Math.max(...checked.map(({ unreadable, diagnostics }) => verdictOf(unreadable, diagnostics)))
}

function verdictOf(unreadable: string | undefined, diagnostics: readonly Diagnostic[]): number {
  if (unreadable !== undefined) return EXIT_UNREADABLE
  return diagnostics.some(({ severity }) => severity === 'error') ? EXIT_REFUSED : EXIT_GOOD
}

function printText({ file, unreadable, diagnostics }: Checked): void {
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
  const good = verdictOf(undefined, diagnostics) === EXIT_GOOD
  if (good) process.stdout.write(`${file}: good${counts === '' ? '' : ` (${counts})`}\n`)
  else process.stderr.write(`${file}: ${counts}\n`)
}
