import { rmSync } from 'node:fs'
import { reasonOf } from '../../host/regular-file.ts'
import { replaceFile } from '../run-file.ts'

/** Where the number of each process is written; undefined: nowhere. */
export type PidFilePaths = Readonly<Record<'director' | 'vrrp' | 'check', string | undefined>>

/** keepalived's pid files, for people's `kill $(cat …)`. What cannot be written is told and holds nothing up. */
export class PidFiles {
  readonly #paths: PidFilePaths
  readonly #mode: number
  readonly #onError: (message: string) => void

  constructor(paths: PidFilePaths, mode: number, onError: (message: string) => void) {
    this.#paths = paths
    this.#mode = mode
    this.#onError = onError
  }

  write(role: keyof PidFilePaths, pid: number | undefined): void {
    const path = this.#paths[role]
    if (path === undefined || pid === undefined) return
    try {
      replaceFile(path, `${pid}\n`, this.#mode)
    } catch (error) {
      this.#onError(`cannot write the pid file ${path}: ${reasonOf(error)}`)
    }
  }

  /** When the processes have gone. */
  remove(): void {
    for (const path of Object.values(this.#paths)) {
      try {
        if (path !== undefined) rmSync(path, { force: true })
      } catch (error) {
        this.#onError(`cannot remove the pid file ${path}: ${reasonOf(error)}`)
      }
    }
  }
}
