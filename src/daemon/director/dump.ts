import { release, version } from 'node:os'
import { formatDiagnostic } from '../../config/diagnostic.ts'
import { printSettings } from '../../config/print.ts'
import type { Dump } from '../../control/dump.ts'
import { LAYOUT_VERSION } from '../../forward/ebpf/layout/bounds.ts'
import type { ConfigFile } from '../../host/config-file.ts'
import { libbpfVersion } from '../../linux/libbpf.ts'
import type { Config } from '../../model/config.ts'

/** Of this program and what it stands on. */
export const versionsOf = (tanist: string): Dump['versions'] => ({
  tanist,
  node: process.version,
  kernel: `${release()} ${version()}`,
  libbpf: libbpfVersion(),
  layout: LAYOUT_VERSION,
})

/** What a file says now, with secrets hidden, and whether it is what is in force. */
export function configurationText(
  file: ConfigFile,
  inForce: Config,
): Pick<Dump['configuration'], 'isInForce' | 'text'> {
  if ('unreadable' in file) return { isInForce: false, text: [file.unreadable] }
  const { config, settings, diagnostics } = file.loaded
  if (config === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    return { isInForce: false, text: errors.flatMap((error) => formatDiagnostic(error).split('\n')) }
  }
  const isInForce = JSON.stringify(config) === JSON.stringify(inForce)
  return { isInForce, text: printSettings(settings).trimEnd().split('\n') }
}
