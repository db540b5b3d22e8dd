import type { ChildProcess } from 'node:child_process'
import { type Lab, until } from './lab.ts'

/** What a host's kernel says about its IPv4 addresses, as they come and go: `ip monitor`. */
export class AddressEvents {
  readonly #child: ChildProcess
  #text = ''
  /** Addresses that were there when `#text` began. */
  #present: ReadonlySet<string> = new Set()

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (data: Buffer) => (this.#text += data.toString()))
  }

  static async start(lab: Lab, host: string): Promise<AddressEvents> {
    const command = ['ip', '-4', '-o', '-ts', 'monitor', 'address'] as const
    const env = { ...process.env, TZ: 'UTC' }
    const events = new AddressEvents(lab.start(host, command, { stdio: ['ignore', 'pipe', 'ignore'], env }))
    // It says nothing when it listens.
    await until('ip monitor to listen', () => {
      lab.run(host, ['ip', 'address', 'add', '127.9.9.9/32', 'dev', 'lo'])
      lab.run(host, ['ip', 'address', 'delete', '127.9.9.9/32', 'dev', 'lo'])
      return events.#text.includes('127.9.9.9')
    })
    return events
  }

  /** `added ADDRESS` and `deleted ADDRESS`, in their order. One that is there already and gets another lifetime is no news. */
  list(): readonly string[] {
    return this.timed().map(({ text }) => text)
  }

  /** The same, with when `ip` has heard it, in ms since the epoch. */
  timed(): readonly { readonly at: number; readonly text: string }[] {
    return this.#read().events
  }

  #read() {
    const present = new Set(this.#present)
    const events: { readonly at: number; readonly text: string }[] = []
    for (const [, at, deleted, address = ''] of this.#text.matchAll(/^\[(\S+)\] ?(Deleted )?.* inet (\S+)/gm)) {
      const isNews = deleted === undefined ? !present.has(address) : true
      if (deleted === undefined) present.add(address)
      else present.delete(address)
      if (!isNews || address.startsWith('127.9.9.9')) continue
      events.push({ at: Date.parse(`${at}Z`), text: `${deleted === undefined ? 'added' : 'deleted'} ${address}` })
    }
    return { events, present }
  }

  clear(): void {
    this.#present = this.#read().present
    this.#text = ''
  }

  stop(): void {
    this.#child.kill()
  }
}
