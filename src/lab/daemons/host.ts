import type { Snapshot } from '../../control/snapshot.ts'
import type { ProcessWord } from '../../drill/language/words.ts'
import type { RealDirector } from '../../drill/language/hosts.ts'
import type { Hand } from '../../model/hand.ts'
import { type Millis, millis } from '../../time.ts'
import type { Place } from '../place.ts'
import { until } from '../until.ts'
import { type Daemon, type LogSource, NotPossible, type UndoCommands } from './daemon.ts'

const START_MS = 60_000
/** A daemon that is stopped hands its roles over before. */
const STOP_LIMIT: Millis = millis(90_000)

/** The daemon of a real director, by the commands of an operator. */
export class HostDaemon implements Daemon {
  readonly #place: Place
  readonly #host: RealDirector
  readonly log: LogSource
  readonly undoCommands: UndoCommands
  #processes: Snapshot['processes'] = []

  constructor(place: Place, host: RealDirector) {
    this.#place = place
    this.#host = host
    this.log = { command: inShell(host.log) }
    this.undoCommands = undoCommandsOf(host)
  }

  async #change(command: string, limit?: Millis): Promise<void> {
    const { status, stdout, stderr } = await this.#place.change(inShell(command), limit)
    if (status !== 0)
      throw new Error(`${this.#place.name}: ${command}: ${(stderr || stdout).trim() || `exit status ${status}`}`)
  }

  async start(): Promise<void> {
    await this.#change(this.#host.start)
    await until(`tanistd of ${this.#place.name} to answer`, async () => (await this.status()) !== undefined, START_MS)
  }

  async stop(): Promise<void> {
    await this.#change(this.#host.stop, STOP_LIMIT)
  }

  /** One that is frozen does not answer. */
  async isRunning(): Promise<boolean> {
    if ((await this.status()) !== undefined) return true
    const supervisor = this.#processes.find(({ role }) => role === 'director')?.pid
    return supervisor !== undefined && (await this.#place.run(['kill', '-0', String(supervisor)])).status === 0
  }

  async pids(process: ProcessWord): Promise<readonly number[]> {
    await this.status()
    return this.#processes.flatMap(({ role, pid }) =>
      pid === undefined || (process !== 'all' && role !== process) ? [] : pid,
    )
  }

  async reload(): Promise<readonly string[]> {
    const { status, stderr } = await this.#place.change(inShell(`${this.#host.tanist} reload`))
    return status === 0 ? [] : [stderr.trim() || `exit status ${status}`]
  }

  async handOver(): Promise<void> {
    await this.#change(`${this.#host.tanist} failover`)
  }

  async takeBack(): Promise<void> {
    await this.#change(`${this.#host.tanist} failback`)
  }

  upgrade(): Promise<never> {
    return Promise.reject(new NotPossible('nothing brings back the version of a real director'))
  }

  async maintain(on: boolean): Promise<void> {
    await this.#change(`${this.#host.tanist} maintenance ${on ? 'on --force' : 'off'}`)
  }

  async hand(server: string, hand: Hand | { readonly type: 'enable' }): Promise<void> {
    await this.#change(`${this.#host.tanist} ${handWords(server, hand)}`)
  }

  release(): Promise<never> {
    return Promise.reject(new NotPossible('systemd does that on a real director'))
  }

  async status(): Promise<Snapshot | undefined> {
    const { status, stdout } = await this.#place.run(inShell(`${this.#host.tanist} status --json`))
    if (status !== 0) return undefined
    const snapshot = JSON.parse(stdout) as Snapshot
    this.#processes = snapshot.processes
    return snapshot
  }
}

const inShell = (command: string): readonly string[] => ['sh', '-c', command]

function undoCommandsOf({ start, tanist }: RealDirector): UndoCommands {
  const answers = `${tanist} status --json`
  /** A daemon that does not run has nothing to be told. */
  const whenItRuns = (command: string) => inShell(`${answers} >/dev/null 2>&1 || exit 0; ${tanist} ${command}`)
  return {
    start: inShell(`${answers} >/dev/null 2>&1 || ${start}`),
    reload: whenItRuns('reload'),
    takeBack: whenItRuns('failback'),
    endMaintenance: whenItRuns('maintenance off'),
    enable: (server) => whenItRuns(handWords(server, { type: 'enable' })),
    putBack: (address, device) =>
      inShell(
        `${answers} 2>/dev/null | grep -q '"state": "master"' || exit 0; ip address replace ${address} dev ${device}`,
      ),
  }
}

/** For `tanist`, of all virtual servers that have the server. */
function handWords(server: string, hand: Hand | { readonly type: 'enable' }): string {
  switch (hand.type) {
    case 'weight':
      return `server weight all ${server} ${hand.weight}`
    case 'drain':
    case 'disable':
    case 'enable':
      return `server ${hand.type} all ${server}`
  }
}
