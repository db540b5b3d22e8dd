import type { Found } from '../../src/check/found.ts'
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configToRun, readConfigFile } from '../../src/host/config-file.ts'
import type { Alive, CommandRun, FromScript, ToScript } from '../../src/daemon/messages.ts'
import { scriptDigest } from '../../src/daemon/script-digest.ts'
import type { News } from '../../src/model/notify.ts'
import type { TrackerResult } from '../../src/model/tracking.ts'
import { until } from './lab.ts'

const PROGRAM = join(import.meta.dirname, '../../src/daemon/script/script-process.ts')

/** Whether a process runs; one that waits to be reaped does not. */
export function isRunning(pid: string | number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** A script process, told by a test what a director would tell it. */
export class ScriptHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'tanist-script-'))
  readonly said: FromScript[] = []
  readonly #file = join(this.directory, 'tanist.conf')
  #process: ChildProcess | undefined
  /** Of its log. */
  log = ''

  /** Path of something in the folder of this host. */
  path(name: string): string {
    return join(this.directory, name)
  }

  /** A script of the folder, executable. Returns its path. */
  script(name: string, lines: string): string {
    writeFileSync(this.path(name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 })
    return this.path(name)
  }

  /** Of a file that scripts append to, without blank ones. */
  lines(name: string): string[] {
    const path = this.path(name)
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : []
  }

  /** `by`: a program that becomes what its arguments are. */
  start({ env = process.env, by }: { readonly env?: NodeJS.ProcessEnv; readonly by?: string } = {}): void {
    const child = fork(PROGRAM, ['test', this.#file, 'here'], {
      env,
      ...(by === undefined ? {} : { execPath: by }),
      execArgv: ['--disable-sigusr1', '--max-semi-space-size=1'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    this.#process = child
    child.stdout?.on('data', (text: Buffer) => (this.log += text.toString()))
    child.on('message', (message: FromScript | Alive) => {
      if (message.type !== 'alive') this.said.push(message)
    })
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  send(message: ToScript): void {
    this.#process?.send(message)
  }

  tell(...news: readonly News[]): void {
    this.send({ type: 'news', news })
  }

  /** Puts a configuration into force, as the director would. `found`: by the checkers, before; `resting`: those that rest. */
  async configure(text: string, found: Partial<Found> = {}, resting: readonly string[] = []): Promise<void> {
    writeFileSync(this.#file, text)
    const { config, errors } = configToRun(readConfigFile(this.#file, 'here'), true)
    if (config === undefined) throw new Error(errors.join('\n'))
    const count = this.all('configured').length
    const starts = count === 0
    this.send({
      type: 'configure',
      digest: scriptDigest(config.scripts),
      starts,
      found: { up: [], down: [], ...found },
      resting,
    })
    await until('the configuration is in force', () => this.all('configured').length > count)
  }

  all<T extends FromScript['type']>(type: T): Extract<FromScript, { type: T }>[] {
    return this.said.filter((message): message is Extract<FromScript, { type: T }> => message.type === type)
  }

  /** What is known of a tracker, newest last. */
  results(name: string): TrackerResult[] {
    return this.said
      .flatMap((message) => (message.type === 'trackers' || message.type === 'configured' ? message : []))
      .flatMap((message) => (message.type === 'trackers' ? message.results : message.trackers))
      .filter((result) => result.name === name)
  }

  async untilRan(count: number): Promise<CommandRun[]> {
    return await until(`${count} commands have ended`, () => {
      const runs = this.all('ran')
      return runs.length >= count && runs
    })
  }

  /** As a director that stops does. */
  async finish(within = 5000): Promise<void> {
    const count = this.all('finished').length
    this.send({ type: 'finish', within, shutdown: true })
    await until('the script process has finished', () => this.all('finished').length > count)
  }

  disconnect(): void {
    this.#process?.disconnect()
  }

  async ended(): Promise<void> {
    await until('the script process has gone', () => this.#process?.exitCode !== null)
  }

  /** Ends everything at once, also what does not heed SIGTERM: each command is the leader of its group. */
  destroy(): void {
    const commands = isRunning(this.pid) ? readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8') : ''
    this.#process?.kill('SIGKILL')
    for (const id of commands.trim().split(' ').filter(Boolean)) {
      try {
        process.kill(-Number(id), 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 }) // one may just be writing
  }
}
