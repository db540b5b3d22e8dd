import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Lab } from './lab.ts'

export interface FlowsReport {
  readonly answered: number
  /** Connections that were reset or closed. */
  readonly broken: number
  /** Answers that came from another server than the one before. */
  readonly moved: number
}

/** Many established connections from a host of a lab. See flows-process.ts. */
export class Flows {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when each of them has been answered once. */
  static async start(lab: Lab, host: string, address: string, count: number): Promise<Flows> {
    const child = lab.fork(host, 'flows-process.ts', [address, String(count)])
    await once(child, 'message')
    return new Flows(child)
  }

  async report(): Promise<FlowsReport> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answer) as [FlowsReport]
    return report
  }
}
