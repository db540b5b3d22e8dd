import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { librariesOf, unpacked } from './unpacked.ts'

const PACKAGES = ['bird2', 'libssh-gcrypt-4']

/** A BIRD on a host of a lab: a BFD of other authors. */
export class BirdHost {
  readonly #lab: Lab
  readonly #host: string
  readonly #folder = unpacked('bird', PACKAGES)
  readonly #socket: string

  constructor(lab: Lab, host: string) {
    this.#lab = lab
    this.#host = host
    this.#socket = join(lab.directory, `${host}.bird`)
  }

  start(config: string): void {
    const file = join(this.#lab.directory, `${this.#host}.bird.conf`)
    writeFileSync(file, config)
    const options = ['-f', '-c', file, '-s', this.#socket, '-P', `${this.#socket}.pid`]
    this.#lab.start(this.#host, [...this.#program('bird'), ...options])
  }

  /** The states of its BFD sessions, by address and interface (`---`: over routers); none before it answers. */
  sessions(): Readonly<Record<string, string>> {
    try {
      const text = this.#lab.run(this.#host, [...this.#program('birdc'), '-s', this.#socket, 'show', 'bfd', 'sessions'])
      const rows = [...text.matchAll(/^([\d.:a-f]+) +(\S+) +(Down|Init|Up|AdminDown) /gm)]
      return Object.fromEntries(rows.map(([, address, device, state = '']) => [`${address} ${device}`, state]))
    } catch {
      return {}
    }
  }

  #program(name: 'bird' | 'birdc'): [string, ...string[]] {
    return ['env', librariesOf(this.#folder), join(this.#folder, 'usr/sbin', name)]
  }
}
