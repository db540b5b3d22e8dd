import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from './lab.ts'

/** A real keepalived on a host of a lab. Only its VRRP part: this kernel need not have IPVS. */
export class KeepalivedHost {
  readonly #lab: Lab
  readonly #host: string
  readonly #file: string
  #process: ChildProcess | undefined

  constructor(lab: Lab, host: string, text: string) {
    this.#lab = lab
    this.#host = host
    this.#file = join(lab.directory, `${host}.keepalived.conf`)
    writeFileSync(this.#file, text)
  }

  start(): void {
    const pid = (name: string) => join(this.#lab.directory, `${this.#host}.${name}.pid`)
    const pids = ['-p', pid('parent'), '-r', pid('vrrp')]
    this.#process = this.#lab.start(this.#host, ['keepalived', '-n', '-P', '-G', '-f', this.#file, ...pids])
  }

  stop(): void {
    this.#process?.kill('SIGTERM')
  }

  has(address: string): boolean {
    return this.#lab.run(this.#host, ['ip', '-brief', 'address']).includes(`${address}/`)
  }
}
