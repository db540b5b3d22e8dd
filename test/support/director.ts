import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ControlClient } from '../../src/control/client.ts'
import type { ProcessSnapshot, Snapshot } from '../../src/control/snapshot.ts'
import { type Lab, until } from './lab.ts'

const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')
const TANIST = join(import.meta.dirname, '../../dist/bin/tanist.js')
const IPVSADM = join(import.meta.dirname, '../../dist/bin/tanist-ipvsadm.js')

/** Waits until each of its instances is in this state. */
export async function untilState(
  director: Pick<DirectorHost, 'host' | 'status'>,
  state: 'master' | 'backup' | 'fault',
  timeoutMs?: number,
): Promise<void> {
  const reached = async () => {
    const { instances } = await director.status()
    return instances.length > 0 && instances.every((instance) => instance.state === state)
  }
  await until(`${director.host} to be ${state}`, reached, timeoutMs)
}

/** A real tanistd on a host of a lab. */
export class DirectorHost {
  readonly #lab: Lab
  readonly host: string
  readonly file: string
  readonly log: string
  readonly #control: ControlClient
  /** Where it is asked. */
  readonly socket: string
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  readonly #program: string
  readonly #output: number | undefined
  #process: ChildProcess | undefined

  /**
   * `args` are further ones for tanistd; `env` is what its environment has besides ours, `program` another one than what was built here,
   * `output` where its log goes instead of a file of the lab.
   */
  constructor(
    lab: Lab,
    host: string,
    config: string,
    args: readonly string[] = [],
    {
      env = {},
      program = TANISTD,
      output,
    }: { env?: Readonly<Record<string, string>>; program?: string; output?: number | undefined } = {},
  ) {
    this.#output = output
    this.#args = args
    this.#env = env
    this.#program = program
    this.#lab = lab
    this.host = host
    this.file = join(lab.directory, `${host}.conf`)
    this.log = join(lab.directory, `${host}.log`)
    this.socket = join(lab.directory, `${host}.sock`)
    this.#control = new ControlClient(this.socket)
    this.configure(config)
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Writes the configuration file; `reload` puts it into force. */
  configure(config: string): void {
    writeFileSync(this.file, config)
  }

  /** Starts the daemon and waits until it answers. */
  async start(timeoutMs?: number): Promise<void> {
    const child = this.#spawn()
    this.#process = child
    const log = createWriteStream(this.log, { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    child.once('close', () => log.end())
    const answers = () => {
      if (child.exitCode !== null) throw new Error(`tanistd on ${this.host} has ended:\n${this.logText()}`)
      return this.status().then(
        () => true,
        () => false,
      )
    }
    await until(`${this.host} to answer`, answers, timeoutMs)
  }

  /** Starts the daemon a second time. Rejects with what it says when it ends. */
  async startAnother(): Promise<never> {
    const child = this.#spawn()
    let output = ''
    child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
    await once(child, 'close')
    throw new Error(output)
  }

  #spawn(): ChildProcess {
    const env = { ...process.env, ...this.#env }
    return this.#lab.start(this.host, [process.execPath, this.#program, ...this.#named, ...this.#args], {
      env,
      stdio: ['ignore', this.#output ?? 'pipe', this.#output ?? 'pipe'],
    })
  }

  get #named(): readonly string[] {
    return ['-f', this.file, '--name', this.#lab.directorName(this.host), '--socket', this.socket]
  }

  status(): Promise<Snapshot> {
    return this.#control.status()
  }

  /** The errors for which the file was refused; none when it is in force. */
  async reload(): Promise<readonly string[]> {
    return (await this.#control.reload()).errors
  }

  /** The process of one role, from the daemon itself. */
  async pidOf(role: ProcessSnapshot['role']): Promise<number> {
    const { processes } = await this.status()
    const pid = processes.find((candidate) => candidate.role === role)?.pid
    if (pid === undefined) throw new Error(`${role} of ${this.host} is not running`)
    return pid
  }

  async isMaster(): Promise<boolean> {
    const { instances } = await this.status()
    return instances.length > 0 && instances.every(({ state }) => state === 'master')
  }

  untilState(state: 'master' | 'backup' | 'fault', timeoutMs?: number): Promise<void> {
    return untilState(this, state, timeoutMs)
  }

  /** Stops in order and waits for the end. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await this.end('SIGTERM')
  }

  /** The same, with what has ended it: `exit status 0`, or a signal. */
  async end(signal: NodeJS.Signals): Promise<string> {
    const child = this.#process
    if (child === undefined) throw new Error(`tanistd on ${this.host} was not started`)
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    return child.signalCode ?? `exit status ${child.exitCode}`
  }

  /** `kill -9` of all three processes at once. */
  async killAll(): Promise<void> {
    const { processes } = await this.status()
    for (const { pid } of processes) if (pid !== undefined) process.kill(pid, 'SIGKILL')
  }

  /** Runs `tanist` against this daemon, as an operator does. */
  tanist(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [TANIST, '--socket', this.socket, ...args], {
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }

  /** The same, without waiting for it here. */
  async startTanist(...args: readonly string[]): Promise<{ status: number | null; stdout: string }> {
    const child = spawn(process.execPath, [TANIST, '--socket', this.socket, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
    return { status, stdout }
  }

  /** Runs a command line of ipvsadm, or `ipvsadm-save` and `ipvsadm-restore`, against this daemon, by that name. */
  ipvsadm(line: string, input = ''): { status: number | null; stdout: string; stderr: string } {
    const [program = '', ...args] = line.split(' ')
    const link = join(this.#lab.directory, program)
    if (!existsSync(link)) symlinkSync(IPVSADM, link)
    const env = { ...process.env, TANIST_SOCKET: this.socket }
    const { status, stdout, stderr } = spawnSync(process.execPath, [link, ...args], { encoding: 'utf8', env, input })
    return { status, stdout, stderr }
  }

  /** What the unit's ExecStopPost does; with `--now` what goes before an uninstallation. Throws with what it says when it fails. */
  release(...args: readonly '--now'[]): void {
    this.#lab.run(this.host, [process.execPath, this.#program, '--release', ...args, ...this.#named])
  }

  logText(): string {
    return readFileSync(this.log, 'utf8')
  }

  /** Which of these addresses the host has. */
  addresses(): string[] {
    const output = this.#lab.run(this.host, ['ip', '-json', 'address'])
    const links = JSON.parse(output) as { addr_info: { local: string }[] }[]
    return links.flatMap((link) => link.addr_info.map(({ local }) => local))
  }
}
