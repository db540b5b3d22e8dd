import type { ChildProcess } from 'node:child_process'
import { type Lab, until } from './lab.ts'

/** What a host's kernel says about its routes and rules of IPv4, as they come and go: `ip monitor`. */
export class RoutingEvents {
  #text = ''

  private constructor(child: ChildProcess) {
    child.stdout?.on('data', (data: Buffer) => (this.#text += data.toString()))
  }

  static async start(lab: Lab, host: string): Promise<RoutingEvents> {
    const command = ['ip', '-4', '-o', '-ts', 'monitor', 'route', 'rule'] as const
    const env = { ...process.env, TZ: 'UTC' }
    const events = new RoutingEvents(lab.start(host, command, { stdio: ['ignore', 'pipe', 'ignore'], env }))
    // It says nothing when it listens.
    await until('ip monitor to listen', () => {
      lab.run(host, ['ip', 'route', 'add', 'throw', '127.9.9.9/32'])
      lab.run(host, ['ip', 'route', 'delete', 'throw', '127.9.9.9/32'])
      return events.#text.includes('127.9.9.9')
    })
    return events
  }

  /** Those that were removed, by what `ip` says of them, in their order. */
  deleted(): readonly string[] {
    return this.timed().flatMap(({ text, isDeletion }) => (isDeletion ? [text] : []))
  }

  /** Each with when `ip` has heard it, in ms since the epoch. */
  timed(): readonly { readonly at: number; readonly text: string; readonly isDeletion: boolean }[] {
    const lines = [...this.#text.matchAll(/^\[(\S+)\] ?(Deleted )?(.*)$/gm)]
    return lines.flatMap(([, at, deleted, text = '']) =>
      text.includes('127.9.9.9') || text.includes('table local')
        ? []
        : [{ at: Date.parse(`${at}Z`), text: text.trim(), isDeletion: deleted !== undefined }],
    )
  }
}
