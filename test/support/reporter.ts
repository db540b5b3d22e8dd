import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Lab } from './lab.ts'

/** A program of the tests that works on a host of a lab until the lab ends, and reports what it has seen. */
export class Reporter<Report> {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when the program says that it is ready. */
  static async start<Report>(
    lab: Lab,
    host: string,
    script: string,
    ...args: readonly string[]
  ): Promise<Reporter<Report>> {
    const child = lab.fork(host, script, args)
    await once(child, 'message')
    return new Reporter(child)
  }

  /** What was seen since the last report. */
  async report(): Promise<Report> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    // Each program sends what its starter below declares.
    const [report] = (await answer) as [Report]
    return report
  }
}

/** What the outage probe has seen. */
export interface ProbeReport {
  readonly sent: number
  readonly lost: number
  /** Runs of at least 10 ms without an answer: when (ms since the epoch) and how long. */
  readonly gaps: { at: number; ms: number }[]
  /** The worst delay of the sender itself, in ms: figures below it mean nothing. */
  readonly lateness: number
}

/** A numbered datagram each millisecond to an echo server. */
export function startProbe(lab: Lab, host: string, address: string, port: number): Promise<Reporter<ProbeReport>> {
  return Reporter.start(lab, host, 'probe-process.ts', address, String(port))
}

/** The longest gap, or 0. */
export function longestGap(report: ProbeReport): number {
  return Math.max(0, ...report.gaps.map(({ ms }) => ms))
}

export interface FlowsReport {
  readonly answered: number
  /** Connections that were reset or closed. */
  readonly broken: number
  /** Answers that came from another server than the one before. */
  readonly moved: number
}

/** Established connections that each send a request every second. */
export function startFlows(lab: Lab, host: string, address: string, count: number): Promise<Reporter<FlowsReport>> {
  return Reporter.start(lab, host, 'flows-process.ts', address, String(count))
}

/** How often each server has answered, and what else happened how often. */
export interface RequestsReport {
  readonly answered: Record<string, number>
  readonly failed: Record<string, number>
}

/** A new HTTP connection every `periodMs`. */
export function startRequests(
  lab: Lab,
  host: string,
  address: string,
  periodMs: number,
): Promise<Reporter<RequestsReport>> {
  return Reporter.start(lab, host, 'requests-process.ts', address, String(periodMs))
}

export interface EchoFlowsReport {
  readonly answered: number
  /** Connections that were reset or closed. */
  readonly broken: number
  /** Answers that are not what was sent. */
  readonly wrong: number
  /** Connections that wait for an answer for more than two seconds by now. */
  readonly silent: number
  readonly slowestMs: number
}

/** Connections to an echo server, with a line of their own on each every second. */
export function startEchoFlows(
  lab: Lab,
  host: string,
  address: string,
  port: number,
  count: number,
): Promise<Reporter<EchoFlowsReport>> {
  return Reporter.start(lab, host, 'echo-flows-process.ts', address, String(port), String(count))
}

/** What became of connections that a client opened. */
export interface ConnectsReport {
  readonly opened: number
  readonly refused: number
  /** Reset, unreachable, or not answered for ten seconds. */
  readonly failed: number
}

/** A client that opens one connection after the other, from several of its addresses. */
export function startConnects(
  lab: Lab,
  host: string,
  address: string,
  port: number,
  sources: readonly string[],
): Promise<Reporter<ConnectsReport>> {
  return Reporter.start(lab, host, 'connects-process.ts', address, String(port), ...sources)
}

export interface AttemptsReport {
  readonly attempted: number
  /** When each of the failed ones was begun, in ms since the epoch. */
  readonly failed: readonly number[]
}

/** A client that tries the same every `periodMs`: a URL, or a program with its arguments. */
export function startAttempts(
  lab: Lab,
  host: string,
  periodMs: number,
  ...what: readonly string[]
): Promise<Reporter<AttemptsReport>> {
  return Reporter.start(lab, host, 'attempts-process.ts', String(periodMs), ...what)
}

/** What the probes of an election have seen. */
export interface PingReport {
  /** To each address. */
  readonly sent: number
  /** The worst delay of the sender itself, in ms. */
  readonly lateness: number
  readonly targets: readonly {
    readonly lost: number
    /** Without an answer, in ms; 0 when none was lost. */
    readonly longest: number
    /** Of more than 10 ms. */
    readonly gaps: number
  }[]
}

/** An echo request each millisecond to each of these addresses. */
export function startPings(lab: Lab, host: string, addresses: readonly string[]): Promise<Reporter<PingReport>> {
  return Reporter.start(lab, host, 'ping-probe-process.ts', ...addresses)
}
