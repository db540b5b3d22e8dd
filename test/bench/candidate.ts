import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ControlClient } from '../../src/control/client.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { type Lab, until } from '../support/lab.ts'

/** Several start at once, on a machine that may be busy; no claim about time. */
export const PATIENCE_MS = 120_000

export const PRODUCTS = ['keepalived', 'tanist'] as const
export type Product = (typeof PRODUCTS)[number]

/**
 * Both with real-time priority, which Tanist takes unasked. keepalived is then killed when it needs more than 10 ms at a time, as it does with a
 * few hundred instances, unless it is told otherwise.
 */
export const REALTIME = 'vrrp_rt_priority 1\n  vrrp_rlimit_rttime 1000000'

/** One director of an election, whichever program it is. */
export interface Candidate {
  readonly host: string
  start(): Promise<void>
  /** Gracefully. Resolves when it has ended. */
  stop(): Promise<void>
  /** Gives the role away on purpose, as an operator of this program does. */
  handOver(): Promise<void>
  /** The end of that. */
  takeBack(): Promise<void>
  /** Its processes. */
  pids(): Promise<readonly number[]>
}

/** `text` makes the configuration file for a priority. */
export function candidate(
  product: Product,
  lab: Lab,
  host: string,
  text: (priority: number) => string,
  priority: number,
): Candidate {
  switch (product) {
    case 'tanist':
      return tanist(lab, host, text(priority))
    case 'keepalived':
      return keepalived(lab, host, text, priority)
  }
}

function tanist(lab: Lab, host: string, text: string): Candidate {
  const director = new DirectorHost(lab, host, text)
  const control = new ControlClient(director.socket)
  return {
    host,
    start: () => director.start(PATIENCE_MS),
    stop: () => director.stop(),
    async handOver() {
      await control.failOver([])
    },
    async takeBack() {
      await control.failBack([])
    },
    pids: async () => [director.pid ?? 0, ...(await director.status()).processes.flatMap(({ pid }) => pid ?? [])],
  }
}

/** Below that of any backup here. */
const RESIGNED_PRIORITY = 50

/**
 * keepalived has no command for a hand-over. Its users write a lower priority into the file and reload it, or stop it, which is a fault of its
 * own here.
 */
function keepalived(lab: Lab, host: string, text: (priority: number) => string, priority: number): Candidate {
  const daemon = new KeepalivedHost(lab, host, text(priority))
  const pids = () => {
    const files = ['parent', 'vrrp'].map((name) => join(lab.directory, `${host}.${name}.pid`))
    return files.every(existsSync) ? files.map((file) => Number(readFileSync(file, 'utf8'))) : []
  }
  const start = async () => {
    daemon.start()
    await until(`keepalived on ${host} to run`, () => pids().length > 0, PATIENCE_MS)
  }
  const stop = async () => {
    await daemon.end('SIGTERM')
  }
  return {
    host,
    start,
    stop,
    handOver() {
      daemon.configure(text(RESIGNED_PRIORITY))
      daemon.reload()
      return Promise.resolve()
    },
    // A reload would do, if keepalived 2.2.7 did not spin after one of thirty of them, and with real-time priority be killed for that,
    // and then run its vrrp process twice.
    async takeBack() {
      await stop()
      daemon.configure(text(priority))
      await start()
    },
    pids: () => Promise.resolve(pids()),
  }
}
