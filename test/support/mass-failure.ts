import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpuTicks } from '../bench/idle.ts'
import { DirectorHost } from './director.ts'
import { Lab, until } from './lab.ts'

const SERVERS_EACH = 2
const TICK_MS = 10

/** What became of servers that all failed, or all came back, within about one `delay_loop` (1 s). */
export interface MassFailure {
  readonly servers: number
  /** From the first verdict to the last. */
  readonly verdictsMs: number
  /** From a server's verdict until the core had it: the worst one. */
  readonly latestMs: number
  /** From the last verdict until the last server was out, or in. */
  readonly lastMs: number
  /** What the director used of a core in the meantime, logs and all. */
  readonly directorCpuMs: number
}

/** A director with services of two servers each, which are all one host that can be told to refuse everybody. */
export class MassFailureLab {
  readonly #lab = new Lab()
  readonly #director: DirectorHost
  readonly #servers: number
  #acceptor: ChildProcess | undefined
  #read = 0

  constructor(services: number) {
    this.#servers = services * SERVERS_EACH
    this.#lab.addSwitch('inside')
    this.#lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
    this.#lab.addHost('rs', [{ switch: 'inside', address: '192.168.1.2/24' }], '192.168.1.1')
    this.#lab.run('rs', ['ip', 'route', 'add', 'local', '10.2.0.0/16', 'dev', 'lo'])
    this.#lab.run('director', ['ip', 'route', 'add', '10.2.0.0/16', 'via', '192.168.1.2'])
    const address = (net: number, i: number) => `10.${net}.${i >> 8}.${i & 255}`
    const real = (i: number) =>
      `  real_server ${address(2, i)} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`
    const service = (_: unknown, i: number) =>
      `virtual_server ${address(1, i)} 80 {\n  delay_loop 1\n  lvs_sched rr\n  protocol TCP\n${real(2 * i)}${real(2 * i + 1)}}\n`
    this.#director = new DirectorHost(this.#lab, 'director', Array.from({ length: services }, service).join(''))
  }

  /** Resolves when every server was found to be up. */
  async start(): Promise<void> {
    await this.#accept()
    await this.#director.start()
    const isChecked = async () => {
      const { services } = await this.#director.status()
      return services.every(({ servers }) => servers.every(({ reason }) => reason === 'connected'))
    }
    await until('every server to have been checked', isChecked, 60_000)
  }

  /** All servers refuse, until the core has none of them. */
  async fail(): Promise<MassFailure> {
    return this.#measure('failed', 'Removing', () => void this.#acceptor?.kill('SIGKILL'))
  }

  /** All servers accept again, until the core has all of them. */
  async recover(): Promise<MassFailure> {
    return this.#measure('success', 'Adding', () => this.#accept())
  }

  destroy(): void {
    this.#lab.destroy()
  }

  async #accept(): Promise<void> {
    this.#acceptor = this.#lab.fork('rs', 'acceptor-process.ts', ['80'])
    await once(this.#acceptor, 'message')
  }

  async #measure(verdict: string, change: string, act: () => Promise<void> | void): Promise<MassFailure> {
    this.#read = this.#director.logText().length
    const pid = await this.#director.pidOf('director')
    const before = cpuTicks(pid)
    await act()
    // `[10.2.0.1]:80` of `[10.1.0.0]:tcp:80 [10.2.0.1]:80 0 TCP_CHECK failed: …` and `Removing service [10.2.0.1]:80 from …`
    const verdicts = new RegExp(`(\\[10\\.2\\.[^ ]+) 0 TCP_CHECK ${verdict}`)
    const changes = new RegExp(`${change} service (\\[10\\.2\\.[^ ]+)`)
    let done = new Map<string, number>()
    await until(
      `${this.#servers} servers: ${change}`,
      () => (done = this.#logged(changes)).size === this.#servers,
      300_000,
    )
    const cpu = cpuTicks(pid) - before
    const said = this.#logged(verdicts)
    const latency = [...done].map(([server, at]) => at - (said.get(server) ?? Number.NaN))
    return {
      servers: done.size,
      verdictsMs: Math.max(...said.values()) - Math.min(...said.values()),
      latestMs: Math.max(...latency),
      lastMs: Math.max(...done.values()) - Math.max(...said.values()),
      directorCpuMs: cpu * TICK_MS,
    }
  }

  /** When the log first says so of each server, in ms since the epoch; of a verdict, when the checker found it. */
  #logged(pattern: RegExp): Map<string, number> {
    const found = new Map<string, number>()
    for (const line of this.#director.logText().slice(this.#read).split('\n')) {
      if (!line.endsWith('}')) continue
      const { time, at, msg } = JSON.parse(line) as { time: number; at?: number; msg: string }
      const [, server] = pattern.exec(msg) ?? []
      if (server !== undefined && !found.has(server)) found.set(server, at ?? time)
    }
    return found
  }
}
