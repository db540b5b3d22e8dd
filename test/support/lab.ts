import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { Lab as Namespaces } from '../../src/lab/namespaces.ts'

export { type Port, removeStaleFolders } from '../../src/lab/namespaces.ts'
export { until } from '../../src/lab/until.ts'

/** A lab of the tests: programs of theirs run on its hosts. */
export class Lab extends Namespaces {
  /** Starts a TypeScript program of the tests on a host, with a message channel; `by` is a command that starts it. */
  fork(host: string, script: string, args: readonly string[], by: readonly string[] = []): ChildProcess {
    const command = [...by, process.execPath, join(import.meta.dirname, script), ...args] as [string, ...string[]]
    return this.start(host, command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }
}
