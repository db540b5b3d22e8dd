import type { Logger } from 'pino'
import { checkerTasks } from '../../model/checker.ts'
import type { Config } from '../../model/config.ts'
import type { DumpKind } from '../../model/dumps.ts'
import type { HostAnswer } from '../../model/host-name.ts'
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
import { callerOf } from './caller.ts'
import { configToRun, readPart } from '../../host/config-file.ts'
import { Availability } from './availability.ts'
import { Checks } from './checks.ts'
import { auditLine, forwardingHandlers, serverHandlers, roleHandlers } from './control-handlers.ts'
import { dumpOf } from './dump.ts'
import { Election, inheritedRoles } from './election.ts'
import { RecentEvents } from './events.ts'
import { tellReload } from './reload-told.ts'
import { Forwarding } from './forwarding.ts'
import { Holds } from './holds.ts'
import { HostNames } from './host-names.ts'
import { lackingPrograms } from '../../host/host-programs.ts'
import { writeKeepalivedDump } from './keepalived-dumps.ts'
import { keepState, type Replaced, takeKeptState } from './kept-state.ts'
import { readKeptVerdicts, VerdictKeeper } from './kept-verdicts.ts'
import { flushLog } from '../log.ts'
import type { Verdict } from '../messages.ts'
import type { DirectorOptions } from './options.ts'
import { PidFiles } from './pid-files.ts'
import { processSnapshot } from './process-snapshot.ts'
import { resign } from '../vrrp/resign.ts'
import { ChecksNow } from './checks-now.ts'
import { Hands } from './hands.ts'
import { Roles } from './roles.ts'
import { Scripts } from './scripts.ts'
import { TrackedChecks } from './tracked-checks.ts'
import { Telling } from './telling.ts'
import { lostBy, tryProgram } from './trial.ts'
import { Verdicts } from './verdicts.ts'

/** How long a child may take to leave in order: to send priority 0 and to wait for a successor (at most 2.5 s). */
const STOP_PATIENCE = millis(5000)

/** How long the state that a director keeps for the program that replaces it holds: longer than any start takes. */
const REPLACING = millis(60_000)

/** What was read of a file, and what it comes to by what is known of names. */
interface Loadable {
  readonly config: Config
  readonly configAt: (answers: readonly HostAnswer[]) => Config | undefined
}

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
  readonly #keeper: VerdictKeeper
  readonly #availability: Availability
  readonly #roles: Roles
  readonly #hands: Hands
  readonly #scripts: Scripts
  readonly #tracked: TrackedChecks
  readonly #control: ControlServer
  /** Resolves when `startup_script` has ended, and the election begins. */
  readonly begun: Promise<void>
  readonly #pidFiles: PidFiles
  readonly #hosts: HostNames
  #config: Config
  /** The configuration in force by what is known of names. */
  #configAt: Loadable['configAt']
  #loadedAt = new Date().toISOString()
  #refused: readonly string[] = []
  #upgrading = false
  #stopping: Promise<void> | undefined

  /** Throws SystemError or CoreFullError when the forwarding core cannot start; then nothing has been changed. */
  constructor(options: DirectorOptions, { config: written, configAt }: Loadable, log: Logger) {
    this.#options = options
    this.#log = log
    this.#hosts = new HostNames(options.name, log, () => this.#followHosts())
    this.#hosts.configure(written.hosts)
    const config = configAt(this.#hosts.answers) ?? written
    this.#configAt = configAt
    this.#config = config
    this.#warnOfNotRunning()
    this.#pidFiles = new PidFiles(options.pidFiles, options.fileMode, (message) => log.warn(message))
    this.#pidFiles.write('director', process.pid)
    const kept = takeKeptState(options.name)
    const known = kept ?? readKeptVerdicts(options.name)
    if (known !== undefined) this.#verdicts.recall(known.verdicts, config.virtualServers)
    if (known !== undefined && 'age' in known && known.verdicts.length > 0)
      log.warn(`what checks found ${Math.round(known.age / 1000)} s ago holds until they have run again`)
    const inherited = inheritedRoles(kept?.replaced)
    const holds = new Holds(this.#verdicts, known?.holds, log, this.#events, () => this.#forwarding.follow())
    this.#telling = new Telling(config, inherited?.replaced.instances, this.#verdicts, holds)
    // Forwarding is ready before anybody can become master.
    const backend = new EbpfBackend(options.name, options, config, kept?.zeros, log)
    let begun = false
    const { name } = options
    const events = this.#events
    this.#hands = new Hands(config, { name, log, events, changed: () => this.#forwarding.follow() })
    this.#availability = new Availability({ name, log, state: (server, real) => holds.state(server, real) })
    this.#forwarding = new Forwarding(backend, config, holds, this.#hands, known?.quorums, log, (pools, suspended) => {
      this.#telling.pools(pools)
      this.#availability.follow(pools, suspended)
      if (!begun) return
      this.#checks.follow()
      this.#scripts.follow()
    })
    const pidFiles = this.#pidFiles
    this.#roles = new Roles(config, {
      name,
      log,
      events,
      instances: () => this.#election.instances,
      send: (message) => this.#election.direct(message),
    })
    this.#election = new Election(config, inherited, {
      name,
      log,
      events,
      pidFiles,
      news: (news) => this.#telling.election(news),
      sessions: (sessions) => this.#tracked.follow(sessions),
      answer: (answer) => this.#roles.take(answer),
      duties: () => this.#roles.duties,
      unanswered: () => this.#roles.unanswered,
    })
    const verdicts = this.#verdicts
    this.#keeper = new VerdictKeeper(
      name,
      () => ({ verdicts: verdicts.kept(this.#config.virtualServers), ...this.#forwarding.known }),
      (error) => log.warn(`cannot keep what checks have found: ${reasonOf(error)}`),
    )
    const changed = (verdict: Verdict) => {
      this.#telling.verdict(verdict)
      this.#forwarding.follow()
    }
    this.#checks = new Checks(config, {
      name,
      log,
      events,
      pidFiles,
      verdicts,
      changed,
      named: (news) => this.#hosts.take(news),
      found: () => this.#forwarding.noteFound(),
      reweighed: () => this.#forwarding.follow(),
      taken: (verdict, isPlanned) => {
        this.#keeper.note()
        this.#availability.verdict(verdicts.find(this.#config, verdict.id)?.server, isPlanned)
      },
      suspended: () => this.#forwarding.suspended,
      complete: () => this.#election.checked(),
    })
    const { file, configId, version, scriptSocket: socket } = options
    const judged = (verdict: Verdict) => this.#checks.take(verdict)
    this.#tracked = new TrackedChecks(config, judged)
    const tracked = (results: readonly TrackerResult[]) => {
      this.#tracked.track(results)
      this.#election.track(results)
    }
    this.#scripts = new Scripts(config, {
      name,
      file,
      configId,
      version,
      socket,
      log,
      events,
      tracked,
      judged,
      found: () => verdicts.found,
      suspended: () => this.#forwarding.suspended,
      answers: () => this.#hosts.answers,
    })
    begun = true
    const checksNow = new ChecksNow({
      config: () => this.#config,
      network: async (check, host) => await this.#checks.ask(check, host),
      command: async (id, check) => await this.#scripts.ask(id, check),
      tracked: (check) => this.#tracked.ask(check),
    })
    this.begun = this.#begin()
    this.#control = new ControlServer(
      options.socket,
      {
        status: () => this.#snapshot(),
        dump: () => this.#dump(),
        reload: (by) => this.reload(by),
        ...forwardingHandlers(this.#forwarding, log),
        ...roleHandlers(this.#roles),
        ...serverHandlers(this.#hands, checksNow, log),
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
    const { config: written, configAt, errors, warnings } = configToRun(file, this.#options.partial)
    const config = configAt(this.#hosts.answers)
    for (const warning of warnings) this.#log.warn(warning)
    const lacking = config === undefined ? errors : lackingPrograms(config)
    this.#refused = config === undefined || lacking.length > 0 ? lacking : this.#apply(config)
    if (written !== undefined && this.#refused.length === 0) {
      this.#configAt = configAt
      this.#loadedAt = new Date().toISOString()
      this.#hosts.configure(written.hosts)
    }
    tellReload({ file: this.#options.file, by, errors: this.#refused }, this.#log, this.#events)
    if (this.#refused.length === 0) this.#warnOfNotRunning()
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
    const { instances, trackers, bfdSessions } = this.#election
    const replaced = { version, vrrpPid, instances, trackers, bfdSessions }
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
    this.#keeper.close()
    this.#availability.close()
    await flushLog(this.#log)
    if (this.#stopping !== undefined) return
    ignoreSignals() // until the new program has handlers: what has one now would end it
    replaceProgram()
  }

  /** Why it cannot be. */
  #keep(replaced: Replaced | undefined, validFor: Millis): readonly string[] {
    try {
      const verdicts = this.#verdicts.kept(this.#config.virtualServers)
      keepState(this.#options.name, { verdicts, ...this.#forwarding.kept, replaced }, validFor)
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
    this.#hosts.close()
    this.#telling.stopped()
    await Promise.all([this.#checks.stop(STOP_PATIENCE), this.#control.close()])
    await this.#scripts.finish()
    this.#keeper.close()
    this.#availability.close()
    const { flushOnStop } = this.#config
    if (flushOnStop === 'configured') this.#forwarding.flush()
    if (grace === 0 || flushOnStop === 'all') this.#forwarding.remove()
    else {
      for (const error of this.#keep(undefined, grace)) this.#log.error(error)
      this.#forwarding.leave(grace)
      this.#log.info(`the forwarding core goes on for ${grace / 1000} s; \`tanistd --release --now\` removes it`)
    }
    this.#pidFiles.remove()
    await flushLog(this.#log)
  }

  /** Real servers that have names have other addresses: the same file is another configuration. */
  #followHosts(): void {
    const config = this.#configAt(this.#hosts.answers)
    const errors = config === undefined || this.#stopping !== undefined ? [] : this.#apply(config)
    if (errors.length > 0) this.#log.error({ errors }, 'real servers keep the addresses that they had')
  }

  #apply(config: Config): readonly string[] {
    const verdicts = this.#verdicts.all
    this.#verdicts.carryOver(checkerTasks(this.#config.virtualServers), checkerTasks(config.virtualServers))
    try {
      this.#telling.configure(
        config,
        () => this.#forwarding.configure(config),
        () => {
          this.#config = config
          this.#roles.configure(config)
          this.#hands.configure(config)
          this.#election.configure(config)
          this.#checks.configure(config)
          this.#tracked.configure(config)
          this.#scripts.configure(config)
        },
      )
      return []
    } catch (error) {
      this.#verdicts.restore(verdicts)
      if (error instanceof CoreFullError || error instanceof SystemError) return [error.message]
      throw error
    }
  }

  #snapshot(): Snapshot {
    const { name, version, file } = this.#options
    const { alarms, ...forwarding } = this.#forwarding.snapshot(this.#availability.reader())
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
      maintenance: this.#roles.duties.maintenance,
      processes: this.#processes(),
      instances: this.#election.instances,
      unknownVrids: this.#election.unknownVrids,
      bfdSessions: this.#election.bfdSessions,
      staticObjects: this.#election.staticObjects,
      commands: this.#scripts.runs,
      ...forwarding,
      alarms: [...alarms, ...this.#hosts.alarms],
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
