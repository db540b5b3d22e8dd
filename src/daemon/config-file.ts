import { readFileSync } from 'node:fs'
import { formatDiagnostic } from '../config/diagnostic.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/model.ts'

/** A configuration file as it was read: its meaning, or why it has none. */
export interface ConfigFile {
  readonly config: Config | undefined
  /** As they are shown to people. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Reads and checks a file. Looks at nothing but the file. */
export function readConfigFile(path: string): ConfigFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { config: undefined, errors: [`cannot read ${path}: ${reason}`], warnings: [] }
  }
  const { config, diagnostics } = loadConfig({ name: path, text })
  const show = (severity: 'error' | 'warning') =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).map(formatDiagnostic)
  return { config, errors: show('error'), warnings: show('warning') }
}
