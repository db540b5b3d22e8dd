import type { Logger } from 'pino'
import type { Config } from '../../model/config.ts'
import type { DumpKind } from '../../model/dumps.ts'
import { notRunningText } from '../../config/not-running.ts'
import { type Caller, ControlServer, type UpgradeAnswer } from '../../control/server.ts'
import type { Dump } from '../../control/dump.ts'
import type { ProcessSnapshot, Reloaded, Snapshot } from '../../control/snapshot.ts'
import { EbpfBackend } from '../../forward/ebpf/ebpf-backend.ts'
import { CoreFullError } from '../../forward/backend.ts'
import { SystemError } from '../../linux/libc.ts'
import type { TrackerResult } from '../../model/tracking.ts'
import { notifySystemd, replaceProgram } from '../../linux/process.ts'
import { ignoreSignals } from '../../linux/signals.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { type Millis, millis } from '../../time.ts'
import { callerName, callerOf } from './caller.ts'
import { configToRun, readPart } from '../../host/config-file.ts'
import { Checks } from './checks.ts'
import { auditLine, forwardingHandlers } from './control-handlers.ts'
import { dumpOf } from './dump.ts'
import { Election, inheritedRoles } from './election.ts'
import { RecentEvents, reloadEvent } from './events.ts'
import { Forwarding } from './forwarding.ts'
import { lackingPrograms } from '../../host/host-programs.ts'
import { writeKeepalivedDump } from './keepalived-dumps.ts'
import { keepState, type Replaced, takeKeptState } from './kept-state.ts'
import { flushLog } from '../log.ts'
import type { Verdict } from '../messages.ts'
import type { DirectorOptions } from './options.ts'
import { PidFiles } from './pid-files.ts'
import { processSnapshot } from './process-snapshot.ts'
import { resign } from '../vrrp/resign.ts'
import { Scripts } from './scripts.ts'
import { Telling } from './telling.ts'
import { lostBy, tryProgram } from './trial.ts'
import { Verdicts } from './verdicts.ts'

/** How long a child may take to leave in order: to send priority 0 and to wait for a successor (at most 2.5 s). */
const STOP_PATIENCE = millis(5000)

/** How long the state that a director keeps for the program that replaces it holds: longer than any start takes. */
const REPLACING = millis(60_000)

/** The parent process: configuration, forwarding core, control socket, and its children. */
export class Director {
  readonly #options: DirectorOptions
  readonly #log: Logger
  readonly #startedAt = new Date().toISOString()
  readonly #verdicts = new Verdicts()
  readonly #events = new RecentEvents()
  readonly #forwarding: Forwarding
  readonly #telling: Telling
  readonly #election: Election
  readonly #checks: Checks
  readonly #scripts: Scripts
  readonly #control: ControlServer
  /** Resolves when `startup_script` has ended, and the election begins. */
  readonly begun: Promise<void>
  readonly #pidFiles: PidFiles
  #config: Config
  #loadedAt = new Date().toISOString()
  #refused: readonly string[] = []
  #upgrading = false
  #stopping: Promise<void> | undefined

  /** Throws SystemError or CoreFullError when the forwarding core cannot start; then nothing has been changed. */
  constructor(options: DirectorOptions, config: Config, log: Logger) {
    this.#options = options
    this.#log = log
    this.#config = config
    this.#warnOfNotRunning()
    this.#pidFiles = new PidFiles(options.pidFiles, options.fileMode, (message) => log.warn(message))
    this.#pidFiles.write('director', process.pid)
    const kept = takeKeptState(options.name)
    if (kept !== undefined) this.#verdicts.restore(kept.verdicts)
    const inherited = inheritedRoles(kept?.replaced)
    this.#telling = new Telling(config, inherited?.replaced.instances, this.#verdicts)
    // Forwarding is ready before anybody can become master.
    const backend = new EbpfBackend(options.name, options, config, kept?.zeros, log)
    this.#forwarding = new Forwarding(backend, config, this.#verdicts, kept?.quorums, log, (pools) =>
      this.#telling.pools(pools),
    )
    const { name } = options
    const events = this.#events
    const pidFiles = this.#pidFiles
    this.#election = new Election(config, inherited, {
      name,
      log,
      events,
      pidFiles,
      news: (news) => this.#telling.election(news),
    })
    const verdicts = this.#verdicts
    const changed = (verdict: Verdict) => {
      this.#telling.verdict(verdict)
      this.#forwarding.follow()
    }
    this.#checks = new Checks(config, { name, log, events, pidFiles, verdicts, changed })
    const { file, configId, version, scriptSocket: socket } = options
    const tracked = (results: readonly TrackerResult[]) => this.#election.track(results)
    this.#scripts = new Scripts(config, { name, file, configId, version, socket, log, events, tracked })
    this.begun = this.#begin()
    this.#control = new ControlServer(
      options.socket,
      {
        status: () => this.#snapshot(),
        dump: () => this.#dump(),
        reload: (by) => this.reload(by),
        ...forwardingHandlers(this.#forwarding, log),
        upgrade: (force, by) => {
          auditLine(log, 'an upgrade was asked for', by, { force })
          return this.#upgrade(force)
        },
      },
      {
        callerOf,
        failed: (request, error) => log.error({ err: error }, `${request} failed: ${String(error)}`),
      },
    )
  }

  /** `startup_script` comes before everything, unless this director goes on in the place of another. */
  async #begin(): Promise<void> {
    if (!this.#election.isTakingOver) await this.#scripts.start()
    this.#telling.begin({
      commands: (news) => this.#scripts.tell(news),
      network: (told) => this.#checks.tell(told),
    })
    if (this.#stopping === undefined) this.#election.begin()
  }

  /** Reads the file again, for a caller or a signal. On any error the configuration in force stays, and the errors are returned. */
  reload(by?: Caller): Reloaded {
    notifySystemd(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    const file = readPart(this.#options)
    const { config, errors, warnings } = configToRun(file, this.#options.partial)
    for (const warning of warnings) this.#log.warn(warning)
    const lacking = config === undefined ? errors : lackingPrograms(config)
    this.#refused = config === undefined || lacking.length > 0 ? lacking : this.#apply(config)
    const { file: path } = this.#options
    const who = by === undefined ? 'a signal' : callerName(by)
    const asked = `by ${who}`
    this.#events.add(reloadEvent(new Date().toISOString(), who, this.#refused))
    if (this.#refused.length === 0) {
      this.#log.info({ by }, `reloaded ${path}, asked ${asked}`)
      this.#warnOfNotRunning()
    } else
      this.#log.error(
        { by, errors: this.#refused },
        `${path} refused; the configuration in force stays; asked ${asked}`,
      )
    notifySystemd('READY=1')
    return { errors: this.#refused, notRunning: this.#config.notRunning }
  }

  /** What keepalived's signals ask for. */
  writeDump(kind: DumpKind): void {
    try {
      const dumped = { config: this.#config, instances: this.#election.instances, results: this.#election.trackers }
      this.#log.info(`wrote ${writeKeepalivedDump(kind, dumped, this.#options.fileMode)}`)
    } catch (error) {
      this.#log.error(`cannot write the ${kind} file: ${reasonOf(error)}`)
    }
  }

  /** The counters of all instances begin again. */
  clearCounters(): void {
    this.#election.clearCounters()
  }

  #warnOfNotRunning(): void {
    for (const each of this.#config.notRunning) this.#log.warn({ notRunning: each }, notRunningText(each))
  }

  /** Resolves when the vrrp process has said for the first time how its instances are. */
  get electing(): Promise<void> {
    return this.#election.electing
  }

  /** Whether systemd may be told so: that the director's own loop turns shows in being asked. */
  get isWell(): boolean {
    return this.#election.isWell && this.#checks.isWell && this.#scripts.isWell
  }

  /** Tries what is installed by now. Nothing has changed until `replace` is called, which is to be done when the answer is out. */
  async #upgrade(force: boolean): Promise<UpgradeAnswer> {
    const busy = this.#upgrading || this.#stopping !== undefined || this.#election.hasPredecessor
    if (busy) return { errors: ['the daemon is just being replaced or stopped'] }
    this.#upgrading = true
    const { version } = this.#options
    const trial = await tryProgram()
    const errors = 'errors' in trial ? trial.errors : force ? [] : lostBy(trial)
    const vrrpPid = this.#election.pid ?? 0
    const { instances, trackers } = this.#election
    const replaced = { version, vrrpPid, instances, trackers }
    const against = errors.length > 0 ? errors : this.#keep(replaced, REPLACING)
    if ('errors' in trial || against.length > 0) {
      this.#upgrading = false
      this.#log.error({ errors: against }, `the upgrade is refused; version ${version} goes on`)
      return { errors: against }
    }
    return { from: version, to: trial.version, replace: () => void this.#replace(trial.version, vrrpPid) }
  }

  /** Becomes the new program, without a goodbye: the vrrp process keeps its role until the new one has it. */
  async #replace(version: string, vrrpPid: number): Promise<void> {
    const isAsTried = () => this.#election.pid === vrrpPid && this.#stopping === undefined
    // One that has taken the place of the one that was tried is not to be replaced, and must not think so.
    if (isAsTried()) await this.#election.handOver()
    if (!isAsTried()) {
      this.#log.error('no upgrade: the vrrp process has died, or the daemon stops')
      this.#upgrading = false
      return
    }
    this.#log.info(`replacing version ${this.#options.version} by ${version}`)
    // The new program has the whole period of the watchdog for its start.
    notifySystemd(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}\nWATCHDOG=1`)
    await Promise.all([this.#checks.stop(STOP_PATIENCE), this.#scripts.handOver()])
    await flushLog(this.#log)
    if (this.#stopping !== undefined) return
    ignoreSignals() // until the new program has handlers: what has one now would end it
    replaceProgram()
  }

  /** Why it cannot be. */
  #keep(replaced: Replaced | undefined, validFor: Millis): readonly string[] {
    try {
      keepState(this.#options.name, { verdicts: this.#verdicts.all, ...this.#forwarding.kept, replaced }, validFor)
      return []
    } catch (error) {
      return [`cannot keep what is known: ${reasonOf(error)}`]
    }
  }

  /** Leaves in order: priority 0, then the addresses. The core goes on for the grace, for the director that comes next. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce()
    await this.#stopping
  }

  async #stopOnce(): Promise<void> {
    this.#log.info('stopping')
    notifySystemd('STOPPING=1')
    const keepAddresses = this.#options.grace > 0
    const hasLeft = await this.#election.stop(keepAddresses, STOP_PATIENCE)
    const { name, grace } = this.#options
    if (!hasLeft) {
      this.#log.error('the vrrp process did not stop in order; removing its virtual addresses for it')
      const { instances } = this.#config
      resign(name, { instances, what: 'everything', now: grace === 0 }, (error) => this.#log.error(error.message))
    }
    this.#telling.stopped()
    await Promise.all([this.#checks.stop(STOP_PATIENCE), this.#control.close()])
    await this.#scripts.finish()
    if (grace === 0) this.#forwarding.remove()
    else {
      for (const error of this.#keep(undefined, grace)) this.#log.error(error)
      this.#forwarding.leave(grace)
      this.#log.info(`the forwarding core goes on for ${grace / 1000} s; \`tanistd --release --now\` removes it`)
    }
    this.#pidFiles.remove()
    await flushLog(this.#log)
  }

  #apply(config: Config): readonly string[] {
    try {
      this.#telling.configure(
        config,
        () => this.#forwarding.configure(config),
        () => {
          this.#config = config
          this.#loadedAt = new Date().toISOString()
          this.#election.configure(config)
          this.#checks.configure(config)
          this.#scripts.configure(config)
        },
      )
      return []
    } catch (error) {
      if (error instanceof CoreFullError || error instanceof SystemError) return [error.message]
      throw error
    }
  }

  #snapshot(): Snapshot {
    const { name, version, file } = this.#options
    return {
      name,
      routerId: this.#config.routerId,
      version,
      startedAt: this.#startedAt,
      configuration: {
        file,
        loadedAt: this.#loadedAt,
        refused: this.#refused,
        notRunning: this.#config.notRunning,
      },
      processes: this.#processes(),
      instances: this.#election.instances,
      commands: this.#scripts.runs,
      ...this.#forwarding.snapshot(),
    }
  }

  #processes(): readonly ProcessSnapshot[] {
    return [
      processSnapshot('director', { pid: process.pid, restarts: 0, lastEnd: undefined }),
      this.#election.snapshot,
      this.#checks.snapshot,
      ...this.#scripts.snapshot,
    ]
  }

  #dump(): Dump {
    const events = this.#events.list()
    return dumpOf(this.#snapshot(), readPart(this.#options), this.#config, this.#forwarding.dump(), events)
  }
}
