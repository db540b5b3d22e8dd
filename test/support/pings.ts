import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type Lab, until } from './lab.ts'

/** `ping` every 10 ms from a host of a lab, and which of them were not answered. */
export class Pings {
  static readonly EVERY_MS = 10
  readonly #child: ChildProcess
  #output = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (data: Buffer) => (this.#output += data.toString()))
  }

  /** Resolves at the first answer. */
  static async start(lab: Lab, host: string, address: string): Promise<Pings> {
    const command = ['ping', '-n', '-i', String(Pings.EVERY_MS / 1000), '-W', '1', address] as const
    const pings = new Pings(lab.start(host, command, { stdio: ['ignore', 'pipe', 'inherit'] }))
    await until(`an answer of ${address}`, () => pings.#answered().length > 0)
    return pings
  }

  /** The longest row of pings without an answer so far, in ms, once another one is answered. */
  async longestGap(): Promise<number> {
    const before = this.#answered().length
    await until('another answer', () => this.#answered().length > before)
    const answered = this.#answered()
    return Math.max(0, ...answered.slice(1).map((seq, i) => (seq - (answered[i] ?? seq) - 1) * Pings.EVERY_MS))
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGINT')
    await ended
  }

  #answered(): readonly number[] {
    return [...this.#output.matchAll(/^\d+ bytes from .*icmp_seq=(\d+) /gm)].map(([, seq]) => Number(seq))
  }
}
