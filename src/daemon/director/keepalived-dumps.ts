import { resolve } from 'node:path'
import { jsonText } from '../../control/keepalived-dump/json.ts'
import { stateText } from '../../control/keepalived-dump/state.ts'
import { statsText } from '../../control/keepalived-dump/stats.ts'
import type { InstanceSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import type { DumpKind } from '../../model/dumps.ts'
import type { TrackerResult } from '../../model/tracking.ts'
import { replaceFile } from '../run-file.ts'

/** What a dump tells of. */
export interface Dumped {
  readonly config: Config
  readonly instances: readonly InstanceSnapshot[]
  /** The last one of each tracker. */
  readonly results: readonly TrackerResult[]
}

/** Writes one of keepalived's files in one step, and says where it is. Throws. */
export function writeKeepalivedDump(kind: DumpKind, dumped: Dumped, mode: number): string {
  const path = resolve(dumpFolder(process.env), dumped.config.dumps.files[kind])
  replaceFile(path, textOf(kind, dumped), mode)
  return path
}

function textOf(kind: DumpKind, { config, instances, results }: Dumped): string {
  switch (kind) {
    case 'state':
      return stateText(config, instances, results)
    case 'stats':
      return statsText(instances)
    case 'json':
      return jsonText(config, instances, results)
  }
}

/** `$TMPDIR` as for keepalived; else the unit's own folder, since nobody else sees a service's private /tmp; else /tmp. */
export function dumpFolder({ TMPDIR: said, RUNTIME_DIRECTORY: own = '' }: NodeJS.ProcessEnv): string {
  return said || own.split(':')[0] || '/tmp'
}
