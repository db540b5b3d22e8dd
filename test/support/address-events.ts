import type { ChildProcess } from 'node:child_process'
import { type Lab, until } from './lab.ts'

/** What a host's kernel says about its IPv4 addresses, as they come and go: `ip monitor`. */
export class AddressEvents {
  readonly #child: ChildProcess
  #text = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (data: Buffer) => (this.#text += data.toString()))
  }

  static async start(lab: Lab, host: string): Promise<AddressEvents> {
    const events = new AddressEvents(
      lab.start(host, ['ip', '-4', '-o', 'monitor', 'address'], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    // It says nothing when it listens.
    await until('ip monitor to listen', () => {
      lab.run(host, ['ip', 'address', 'add', '127.9.9.9/32', 'dev', 'lo'])
      lab.run(host, ['ip', 'address', 'delete', '127.9.9.9/32', 'dev', 'lo'])
      return events.#text.includes('127.9.9.9')
    })
    return events
  }

  /** `added ADDRESS` (or its lifetime changed) and `deleted ADDRESS`, in their order. */
  list(): readonly string[] {
    const lines = this.#text.split('\n').filter((line) => line.includes(' inet ') && !line.includes('127.9.9.9'))
    return lines.map((line) => {
      const address = / inet (\S+)/.exec(line)?.[1] ?? ''
      return `${line.startsWith('Deleted') ? 'deleted' : 'added'} ${address}`
    })
  }

  clear(): void {
    this.#text = ''
  }

  stop(): void {
    this.#child.kill()
  }
}
