import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, release } from 'node:os'
import { join } from 'node:path'

/** On what figures were measured. */
export interface Machine {
  readonly kernel: string
  readonly cores: number
  /** Processes that wanted a core in the last minute, when the run began. */
  readonly load: number
  readonly versions: { readonly tanist: string; readonly keepalived: string; readonly node: string }
}

export function machine(): Machine {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  const commit = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout.trim()
  // It says so on its standard error.
  const said = spawnSync('keepalived', ['--version'], { encoding: 'utf8' }).stderr
  return {
    kernel: release(),
    cores: availableParallelism(),
    load: loadavg()[0] ?? 0,
    versions: {
      tanist: commit === '' ? version : `${version} (${commit})`,
      keepalived: /v(\d\S*)/.exec(said)?.[1] ?? 'unknown',
      node: process.versions.node,
    },
  }
}

export const machineText = ({ kernel, cores, load, versions }: Machine) =>
  `kernel ${kernel}, ${cores} cores, load ${load.toFixed(1)} at the beginning; Tanist ${versions.tanist}, keepalived ${versions.keepalived}, Node ${versions.node}`

/** Writes `bench-results/NAME.json` and `NAME.md`, and says where. */
export function writeResults(name: string, markdown: string, data: unknown): void {
  mkdirSync('bench-results', { recursive: true })
  const path = join('bench-results', `${name}-${new Date().toISOString().replaceAll(':', '')}`)
  writeFileSync(`${path}.md`, markdown)
  writeFileSync(`${path}.json`, `${JSON.stringify(data, null, 2)}\n`)
  console.log(`\nwritten: ${path}.md and .json`)
}
