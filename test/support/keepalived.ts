import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from './lab.ts'

/** A real keepalived on a host of a lab. Only one part of it: for VRRP a kernel need not have IPVS. */
export class KeepalivedHost {
  readonly #lab: Lab
  readonly #host: string
  readonly #file: string
  readonly #log: string
  readonly #prefix: readonly string[]
  readonly #firstLine: string
  readonly #output: number | undefined
  readonly #part: 'vrrp' | 'checkers'
  #process: ChildProcess | undefined

  /**
   * `entersByItself`: it begins in the machine's own network namespace, and goes to that of the host. Only so it hears of processes,
   * which the kernel tells in the first namespace alone. `output`: where its log goes instead of a file of the lab.
   */
  constructor(
    lab: Lab,
    host: string,
    text: string,
    {
      entersByItself = false,
      output,
      part = 'vrrp',
    }: { entersByItself?: boolean; output?: number | undefined; part?: 'vrrp' | 'checkers' } = {},
  ) {
    this.#output = output
    this.#lab = lab
    this.#host = host
    this.#part = part
    this.#prefix = entersByItself ? ['nsenter', `--net=/proc/${process.pid}/ns/net`, '--'] : []
    this.#firstLine = entersByItself ? `net_namespace ${lab.directorName(host)}\n` : ''
    this.#file = join(lab.directory, `${host}.keepalived.conf`)
    this.#log = join(lab.directory, `${host}.keepalived.log`)
    this.configure(text)
  }

  /** Writes the configuration file; `reload` puts it into force. */
  configure(text: string): void {
    writeFileSync(this.#file, `${this.#firstLine}${text}`)
  }

  start(): void {
    const parts = [
      ['-p', 'parent'],
      ['-r', 'vrrp'],
      ['-b', 'bfd'],
      ['-c', 'checkers'],
    ] as const
    const pids = parts.flatMap(([option, name]) => [option, this.#pidFile(name)])
    const part = this.#part === 'vrrp' ? '-P' : '-C'
    const log = openSync(this.#log, 'a')
    const [program, ...args] = [...this.#prefix, 'keepalived', '-n', '-l', part, '-G', '-f', this.#file, ...pids]
    // State files of several on one machine do not meet.
    const env = { ...process.env, TMPDIR: this.#lab.directory }
    const output = this.#output ?? log
    this.#process = this.#lab.start(this.#host, [program ?? '', ...args], { stdio: ['ignore', output, output], env })
    closeSync(log)
  }

  /** Of one of its processes. */
  pidOf(part: 'parent' | 'vrrp'): number {
    return Number(readFileSync(this.#pidFile(part), 'utf8'))
  }

  #pidFile(part: 'parent' | 'vrrp' | 'bfd' | 'checkers'): string {
    return join(this.#lab.directory, `${this.#host}.${part}.pid`)
  }

  get runs(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  reload(): void {
    this.#process?.kill('SIGHUP')
  }

  stop(): void {
    this.#process?.kill('SIGTERM')
  }

  /** Stops it, and waits until it has ended: `exit status 0`, or the signal by which it was ended. */
  async end(signal: NodeJS.Signals): Promise<string> {
    const child = this.#process
    if (child === undefined) throw new Error(`keepalived on ${this.#host} was not started`)
    const ended = once(child, 'exit')
    if (this.runs) {
      child.kill(signal)
      await ended
    }
    return child.signalCode ?? `exit status ${child.exitCode}`
  }

  logText(): string {
    return readFileSync(this.#log, 'utf8')
  }

  has(address: string): boolean {
    return this.#lab.run(this.#host, ['ip', '-brief', 'address']).includes(`${address}/`)
  }
}
