import { extname, join } from 'node:path'
import { ControlClient, ControlError } from '../../control/client.ts'
import type { Snapshot } from '../../control/snapshot.ts'
import type { ProcessWord } from '../../drill/language/words.ts'
import type { Hand } from '../../model/hand.ts'
import { millis } from '../../time.ts'
import type { Place } from '../place.ts'
import type { SiteDirector } from '../site.ts'
import { until } from '../until.ts'
import { type Daemon, type LabDaemonOptions } from './daemon.ts'
import { LogPipe } from './log-pipe.ts'

/** A machine that is busy with many labs takes so long for what an idle one does at once. */
const START_MS = 60_000
const STOP_MS = 30_000
/** A process that hangs does not answer; then what is known of it counts. */
const ANSWER_MS = 2000

/** Of this installation. */
export const TANISTD = join(import.meta.dirname, `../../bin/tanistd${extname(import.meta.filename)}`)

/** A tanistd of the lab, on this machine. */
export class TanistDaemon implements Daemon {
  readonly #place: Place
  readonly #named: readonly string[]
  readonly #program: string
  readonly #client: ControlClient
  readonly log: { readonly file: string }
  readonly logPipe: LogPipe | undefined
  #pid: number | undefined
  #processes: Snapshot['processes'] = []

  constructor({ place, file, id, folder }: SiteDirector, { program = TANISTD, hasLogPipe }: LabDaemonOptions) {
    this.#place = place
    this.#program = program
    const socket = join(folder, 'tanist.sock')
    this.#named = ['-f', file, '--name', id, '--socket', socket]
    this.#client = new ControlClient(socket, ANSWER_MS)
    this.log = { file: join(folder, 'log') }
    this.logPipe = hasLogPipe ? new LogPipe(place, this.log.file) : undefined
  }

  async start(): Promise<void> {
    const log = (await this.logPipe?.open()) ?? this.log.file
    this.#pid = await this.#place.start([process.execPath, this.#program, ...this.#named], { log })
    const answers = async () => {
      if (!(await this.isRunning())) throw new Error(`tanistd of ${this.#place.name} has ended; its log says why`)
      return (await this.status()) !== undefined
    }
    await until(`tanistd of ${this.#place.name} to answer`, answers, START_MS)
  }

  async stop(): Promise<void> {
    if (this.#pid === undefined) return
    await this.#place.run(['kill', '-TERM', String(this.#pid)])
    await until(`tanistd of ${this.#place.name} to end`, async () => !(await this.isRunning()), STOP_MS)
  }

  async isRunning(): Promise<boolean> {
    if (this.#pid === undefined) return false
    return (await this.#place.run(['kill', '-0', String(this.#pid)])).status === 0
  }

  async pids(process: ProcessWord): Promise<readonly number[]> {
    await this.status()
    return this.#processes.flatMap(({ role, pid }) =>
      pid === undefined || (process !== 'all' && role !== process) ? [] : pid,
    )
  }

  async reload(): Promise<readonly string[]> {
    return (await this.#client.reload()).errors
  }

  async handOver(): Promise<void> {
    refuse(await this.#client.failOver([]))
  }

  async takeBack(): Promise<void> {
    refuse(await this.#client.failBack([]))
  }

  async upgrade(): Promise<void> {
    const before = (await this.#client.status()).startedAt
    const { errors } = await this.#client.upgrade(true)
    if (errors.length > 0) throw new Error(`tanistd refused: ${errors.join('; ')}`)
    const isNew = async () => ![undefined, before].includes((await this.status())?.startedAt)
    await until(`tanistd of ${this.#place.name} to be replaced`, isNew, START_MS)
  }

  async maintain(on: boolean): Promise<void> {
    await this.#client.maintain(on, true)
  }

  async hand(server: string, hand: Hand | { readonly type: 'enable' }): Promise<void> {
    refuse(await this.#client.hand({ service: undefined, server, hand }))
  }

  async release(): Promise<void> {
    const { status, stderr, stdout } = await this.#place.run(
      [process.execPath, this.#program, '--release', ...this.#named],
      millis(START_MS),
    )
    if (status !== 0) throw new Error(`tanistd --release: ${stderr}${stdout}`)
  }

  async status(): Promise<Snapshot | undefined> {
    try {
      const status = await this.#client.status()
      this.#processes = status.processes
      return status
    } catch (error) {
      if (error instanceof ControlError) return undefined
      throw error
    }
  }
}

function refuse(answer: object): void {
  if ('failure' in answer) throw new Error(`tanistd refused: ${String(answer.failure)}`)
}
