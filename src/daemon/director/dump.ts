import { release, version } from 'node:os'
import { formatDiagnostic } from '../../config/diagnostic.ts'
import { printSettings } from '../../config/print.ts'
import type { Dump } from '../../control/dump.ts'
import { LAYOUT_VERSION } from '../../forward/ebpf/layout/bounds.ts'
import type { ServiceSnapshot, Snapshot } from '../../control/snapshot.ts'
import { interfaceFacts, sysctlFacts } from '../../host/host-facts.ts'
import type { ConfigFile } from '../../host/config-file.ts'
import { libbpfVersion } from '../../linux/libbpf.ts'
import type { Config } from '../../model/config.ts'

/** All that a bug report needs. `file`: the configuration as it can be read now. */
export function dumpOf(
  snapshot: Snapshot,
  file: ConfigFile,
  inForce: Config,
  core: Dump['core'],
  events: Dump['events'],
): Dump {
  const { name, version: program, startedAt, processes, configuration, instances } = snapshot
  return {
    at: new Date().toISOString(),
    name,
    versions: versionsOf(program),
    startedAt,
    processes,
    configuration: { ...configuration, ...configurationText(file, inForce) },
    instances,
    availability: snapshot.services.flatMap(availabilityOf),
    core,
    host: { interfaces: interfaceFacts(), sysctls: sysctlFacts() },
    events,
  }
}

const availabilityOf = ({ name: service, availability, servers }: ServiceSnapshot): Dump['availability'] => [
  ...(availability === undefined ? [] : [{ service, ...availability }]),
  ...servers.flatMap(({ name: server, availability: own }) => (own === undefined ? [] : [{ service, server, ...own }])),
]

/** Of this program and what it stands on. */
const versionsOf = (tanist: string): Dump['versions'] => ({
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
