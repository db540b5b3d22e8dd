import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Lab } from './lab.ts'

/** How often each server has answered, and what else happened how often. */
export interface RequestsReport {
  readonly answered: Record<string, number>
  readonly failed: Record<string, number>
}

/** A stream of requests from a host of a lab. See requests-process.ts. */
export class Requests {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(lab: Lab, host: string, address: string, periodMs: number): Promise<Requests> {
    const child = lab.fork(host, 'requests-process.ts', [address, String(periodMs)])
    await once(child, 'message')
    return new Requests(child)
  }

  async report(): Promise<RequestsReport> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answer) as [RequestsReport]
    return report
  }
}
