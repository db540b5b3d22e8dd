import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Lab } from './lab.ts'

/** What the probe has seen since its last report. */
export interface ProbeReport {
  readonly sent: number
  readonly lost: number
  /** Runs of at least 10 ms without an answer: when (ms since the epoch) and how long. */
  readonly gaps: { at: number; ms: number }[]
  /** The worst delay of the sender itself, in ms: figures below it mean nothing. */
  readonly lateness: number
}

/** A probe on a host of a lab. See probe-process.ts. */
export class Probe {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(lab: Lab, host: string, address: string, port: number): Promise<Probe> {
    const child = lab.fork(host, 'probe-process.ts', [address, String(port)])
    await once(child, 'message')
    return new Probe(child)
  }

  async report(): Promise<ProbeReport> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answer) as [ProbeReport]
    return report
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The longest gap, or 0. */
export function longestGap(report: ProbeReport): number {
  return Math.max(0, ...report.gaps.map(({ ms }) => ms))
}
