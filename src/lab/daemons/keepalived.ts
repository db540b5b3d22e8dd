import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessWord } from '../../drill/language/words.ts'
import type { Place } from '../place.ts'
import type { SiteDirector } from '../site.ts'
import { until } from '../until.ts'
import { type Daemon, type LabDaemonOptions, NotPossible } from './daemon.ts'
import { LogPipe } from './log-pipe.ts'

const START_MS = 60_000
const STOP_MS = 30_000
/** Below that of any backup. */
const RESIGNED_PRIORITY = 1

/** keepalived's processes that it has without IPVS, by our words. */
const PID_FILES = { director: 'parent', vrrp: 'vrrp' } as const

/** A keepalived of the lab, on this machine, with its VRRP part alone: the kernel need not have IPVS. */
export class KeepalivedDaemon implements Daemon {
  readonly #place: Place
  readonly #file: string
  readonly #folder: string
  readonly log: { readonly file: string }
  readonly logPipe: LogPipe | undefined
  #pid: number | undefined
  #before: string | undefined

  constructor({ place, file, folder }: SiteDirector, { hasLogPipe }: LabDaemonOptions) {
    this.#place = place
    this.#file = file
    this.#folder = folder
    this.log = { file: join(folder, 'log') }
    this.logPipe = hasLogPipe ? new LogPipe(place, this.log.file) : undefined
  }

  async start(): Promise<void> {
    const files = [
      ['-p', 'parent'],
      ['-r', 'vrrp'],
      ['-b', 'bfd'],
      ['-c', 'checkers'],
    ].flatMap(([option = '', name = '']) => [option, join(this.#folder, `${name}.pid`)])
    const argv = ['keepalived', '-n', '-l', '-P', '-G', '-f', this.#file, ...files]
    // State files of several on one machine do not meet.
    const log = (await this.logPipe?.open()) ?? this.log.file
    this.#pid = await this.#place.start(argv, { log, env: { TMPDIR: this.#folder } })
    await until(`keepalived of ${this.#place.name} to run`, async () => (await this.pids('vrrp')).length > 0, START_MS)
  }

  async stop(): Promise<void> {
    if (this.#pid === undefined) return
    await this.#place.run(['kill', '-TERM', String(this.#pid)])
    await until(`keepalived of ${this.#place.name} to end`, async () => !(await this.isRunning()), STOP_MS)
  }

  async isRunning(): Promise<boolean> {
    return this.#pid !== undefined && (await this.#lives(this.#pid))
  }

  async #lives(pid: number): Promise<boolean> {
    return (await this.#place.run(['kill', '-0', String(pid)])).status === 0
  }

  async pids(process: ProcessWord): Promise<readonly number[]> {
    const wanted = Object.entries(PID_FILES).filter(([word]) => process === 'all' || process === word)
    const pids: number[] = []
    for (const [, name] of wanted) {
      const pid = this.#read(`${name}.pid`)
      if (pid !== undefined && (await this.#lives(pid))) pids.push(pid)
    }
    return pids
  }

  #read(name: string): number | undefined {
    try {
      return Number(readFileSync(join(this.#folder, name), 'utf8'))
    } catch {
      return undefined // it is not there yet
    }
  }

  /** It says nothing but in its log. */
  async reload(): Promise<undefined> {
    await this.#place.run(['kill', '-HUP', String(this.#pid)])
  }

  /** It has no command for that: its users write a lower priority into the file, and reload it. */
  async handOver(): Promise<void> {
    this.#before = readFileSync(this.#file, 'utf8')
    writeFileSync(this.#file, this.#before.replace(/\bpriority +\d+/g, `priority ${RESIGNED_PRIORITY}`))
    await this.reload()
  }

  async takeBack(): Promise<void> {
    if (this.#before !== undefined) writeFileSync(this.#file, this.#before)
    await this.reload()
  }

  upgrade(): Promise<never> {
    return Promise.reject(new NotPossible('the upgrade of keepalived is a restart'))
  }

  maintain(): Promise<never> {
    return Promise.reject(new NotPossible('keepalived has no maintenance'))
  }

  hand(): Promise<never> {
    return Promise.reject(new NotPossible('keepalived has no command for a real server'))
  }

  /** Nothing does that for it. */
  release(): Promise<void> {
    return Promise.resolve()
  }

  status(): Promise<undefined> {
    return Promise.resolve(undefined)
  }
}
