import type { Logger } from 'pino'
import type { IpvsCommand, IpvsOutcome } from '../../model/ipvs.ts'
import type { Config } from '../../model/config.ts'
import { serviceName } from '../../model/service.ts'
import { notRunningText } from '../../config/not-running.ts'
import { type Caller, ControlServer, type UpgradeAnswer } from '../../control/server.ts'
import type { Dump } from '../../control/dump.ts'
import type { InstanceSnapshot, ProcessSnapshot, Reloaded, Snapshot } from '../../control/snapshot.ts'
import type { Hook } from '../../forward/ebpf/attachment.ts'
import { EbpfBackend } from '../../forward/ebpf/ebpf-backend.ts'
import { CoreFullError } from '../../forward/backend.ts'
import { SystemError } from '../../linux/libc.ts'
import { notifySystemd, replaceProgram } from '../../linux/process.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { type Millis, millis } from '../../time.ts'
import { matchRouters } from '../../vrrp/router.ts'
import type { RouterIdentity } from '../../model/vrrp.ts'
import { type Succession, succession } from '../../vrrp/succession.ts'
import { afterTransition } from './after-transition.ts'
import { callerName, callerOf } from './caller.ts'
import { Child } from '../child.ts'
import { configToRun, readConfigFile } from '../../host/config-file.ts'
import { configurationText, versionsOf } from './dump.ts'
import { RecentEvents, reloadEvent, transitionEvent } from './events.ts'
import { Forwarding } from './forwarding.ts'
import { interfaceFacts, sysctlFacts } from '../../host/host-facts.ts'
import { lackingPrograms } from '../../host/host-programs.ts'
import { keepState, type KeptState, type Replaced, takeKeptState } from './kept-state.ts'
import { flushLog } from '../log.ts'
import type { FromCheck, FromVrrp, ToCheck, ToVrrp, Transition } from '../messages.ts'
import { Predecessor } from './predecessor.ts'
import { processSnapshot } from './process-snapshot.ts'
import { PULSES } from '../pulse.ts'
import { resign } from '../vrrp/resign.ts'
import { lostBy, tryProgram } from './trial.ts'
import { checkTasks, Verdicts } from './verdicts.ts'

/** How long a killed vrrp process may take until its successor sends its first advert. */
const RESPAWN_MS = 1000

/** How long a child may take to leave in order: to send priority 0 and to wait for a successor (at most 2.5 s). */
const STOP_PATIENCE_MS = 5000

/** No debugger by SIGUSR1. Small heaps; code that runs once a second is not compiled anew each time. */
const CHILD_OPTIONS = ['--disable-sigusr1', '--max-old-space-size=64', '--max-semi-space-size=1', '--no-flush-bytecode']

export interface DirectorOptions {
  /** Tells directors on one machine apart: names pins and the control socket. */
  readonly name: string
  readonly file: string
  /** What `@ID` lines of the configuration mean by this host. */
  readonly configId: string
  /** Whether a configuration runs although some of its protections do not. */
  readonly partial: boolean
  readonly socket: string
  readonly version: string
  /** How the forwarding core is attached to interfaces, if the kernel can. */
  readonly hook: Hook
  /** Connections that the table of each family has room for. */
  readonly maxConnections: number
  /** How long the core goes on by itself after a stop in order; 0: it is removed. */
  readonly grace: Millis
}

/** How long the state that a director keeps for the program that replaces it holds: longer than any start takes. */
const REPLACING = millis(60_000)

/** The parent process: configuration, forwarding core, control socket, and the two children. */
export class Director {
  readonly #options: DirectorOptions
  readonly #log: Logger
  readonly #startedAt = new Date().toISOString()
  readonly #verdicts = new Verdicts()
  readonly #events = new RecentEvents()
  readonly #forwarding: Forwarding
  readonly #vrrp: Child<ToVrrp, FromVrrp>
  readonly #check: Child<ToCheck, FromCheck>
  readonly #control: ControlServer
  #config: Config
  #loadedAt = new Date().toISOString()
  #refused: readonly string[] = []
  #instances: readonly InstanceSnapshot[] = []
  readonly #electing = Promise.withResolvers<void>()
  #vrrpStartedAt = 0
  #adopt: readonly RouterIdentity[] = []
  #predecessor: Predecessor | undefined
  #replaced: Replaced | undefined
  #upgrading = false
  #stopping: Promise<void> | undefined

  /** Throws SystemError or CoreFullError when the forwarding core cannot start; then nothing has been changed. */
  constructor(options: DirectorOptions, config: Config, log: Logger) {
    this.#options = options
    this.#log = log
    this.#config = config
    this.#warnOfNotRunning()
    const kept = takeKeptState(options.name)
    if (kept !== undefined) this.#takeOver(kept)
    // Forwarding is ready before anybody can become master.
    const backend = new EbpfBackend(options.name, options, config, kept?.zeros, log)
    this.#forwarding = new Forwarding(backend, config, this.#verdicts, kept?.quorums, log)
    this.#vrrp = new Child<ToVrrp, FromVrrp>(
      { role: 'vrrp', args: [options.name], execArgv: CHILD_OPTIONS, pulse: PULSES.vrrp },
      {
        started: () => {
          this.#vrrpStartedAt = performance.now()
          // The first child starts before the field that names it is set.
          setImmediate(() => this.#configureVrrp())
        },
        message: (message) => {
          switch (message.type) {
            case 'instances':
              this.#instances = message.instances
              this.#electing.resolve()
              break
            case 'transition':
              // Until it has taken over, the roles are those of its predecessor.
              if (this.#predecessor !== undefined) break
              this.#take(message)
              break
            case 'priority':
            case 'lower-priority':
              break
            case 'adopted':
              this.#predecessor?.end()
              this.#predecessor = undefined
              break
          }
        },
        died: (how, delayMs, silentMs) => this.#vrrpDied(how, delayMs, silentMs),
      },
    )
    this.#check = new Child<ToCheck, FromCheck>(
      { role: 'check', args: [options.name], execArgv: CHILD_OPTIONS, pulse: PULSES.check },
      {
        started: () => setImmediate(() => this.#configureCheck()),
        message: (message) => {
          switch (message.type) {
            case 'verdicts':
              this.#takeVerdicts(message.verdicts)
              break
          }
        },
        died: (how) => {
          log.error(`the check process has died (${how}); starting it again`)
          this.#events.add({ at: new Date().toISOString(), type: 'child-restart', role: 'check', reason: how })
        },
      },
    )
    this.#control = new ControlServer(
      options.socket,
      {
        status: () => this.#snapshot(),
        dump: () => this.#dump(),
        reload: (by) => this.reload(by),
        ipvs: () => this.#forwarding.ipvs(),
        connections: (filter) => this.#forwarding.connections(filter),
        change: (commands, by) => this.#change(commands, by),
        setTimeouts: (timeouts, by) => {
          this.#forwarding.setTimeouts(timeouts)
          this.#audit('time-outs set', by, { timeouts })
        },
        zero: (id, by) => {
          const found = this.#forwarding.zero(id)
          this.#audit(`counters of ${id === undefined ? 'all services' : serviceName(id)} set to zero`, by, { found })
          return found
        },
        trace: (packet, mark, by) => {
          this.#audit('a packet was traced', by, { packet, mark })
          return this.#forwarding.trace(packet, mark)
        },
        forget: (filter, by) => {
          const count = this.#forwarding.forget(filter)
          this.#audit(`${count} connections deleted`, by, { count, filter })
          return count
        },
        upgrade: (force, by) => {
          this.#audit('an upgrade was asked for', by, { force })
          return this.#upgrade(force)
        },
      },
      {
        callerOf,
        failed: (request, error) => log.error({ err: error }, `${request} failed: ${String(error)}`),
      },
    )
  }

  /** Goes on where the director before this one was; with the roles only if it was this process. */
  #takeOver({ verdicts, replaced }: KeptState): void {
    this.#verdicts.restore(verdicts)
    this.#predecessor = replaced && Predecessor.find(replaced.vrrpPid)
    if (replaced === undefined || this.#predecessor === undefined) return
    this.#log.info(`took over from version ${replaced.version}`)
    this.#replaced = replaced
    this.#instances = replaced.instances
    this.#adopt = this.#succession(millis(0)).adopted
  }

  /** Reads the file again, for a caller or a signal. On any error the configuration in force stays, and the errors are returned. */
  reload(by?: Caller): Reloaded {
    notifySystemd(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    const file = readConfigFile(this.#options.file, this.#options.configId)
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

  #warnOfNotRunning(): void {
    for (const each of this.#config.notRunning) this.#log.warn({ notRunning: each }, notRunningText(each))
  }

  /** Resolves when the vrrp process has said for the first time how its instances are. */
  get electing(): Promise<void> {
    return this.#electing.promise
  }

  /** Whether systemd may be told so: that the director's own loop turns shows in being asked. */
  get isWell(): boolean {
    return this.#vrrp.isWell && this.#check.isWell
  }

  /** Tries what is installed by now. Nothing has changed until `replace` is called, which is to be done when the answer is out. */
  async #upgrade(force: boolean): Promise<UpgradeAnswer> {
    const busy = this.#upgrading || this.#stopping !== undefined || this.#predecessor?.running === true
    if (busy) return { errors: ['the daemon is just being replaced or stopped'] }
    this.#upgrading = true
    const { version } = this.#options
    const trial = await tryProgram()
    const errors = 'errors' in trial ? trial.errors : force ? [] : lostBy(trial)
    const vrrpPid = this.#vrrp.pid ?? 0
    const replaced = { version, vrrpPid, instances: this.#instances }
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
    const isAsTried = () => this.#vrrp.pid === vrrpPid && this.#stopping === undefined
    // One that has taken the place of the one that was tried is not to be replaced, and must not think so.
    if (isAsTried()) await this.#vrrp.deliver({ type: 'hand-over' })
    if (!isAsTried()) {
      this.#log.error('no upgrade: the vrrp process has died, or the daemon stops')
      this.#upgrading = false
      return
    }
    this.#log.info(`replacing version ${this.#options.version} by ${version}`)
    // The new program has the whole period of the watchdog for its start.
    notifySystemd(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}\nWATCHDOG=1`)
    this.#check.send({ type: 'stop' })
    await this.#check.stop(STOP_PATIENCE_MS)
    await flushLog(this.#log)
    if (this.#stopping === undefined) replaceProgram()
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
    this.#predecessor?.end()
    this.#vrrp.send({ type: 'stop', keepAddresses: this.#options.grace > 0 })
    this.#check.send({ type: 'stop' })
    const [hasLeft] = await Promise.all([this.#vrrp.stop(STOP_PATIENCE_MS), this.#check.stop(STOP_PATIENCE_MS)])
    await this.#control.close()
    const { name, grace } = this.#options
    if (!hasLeft) {
      this.#log.error('the vrrp process did not stop in order; removing its virtual addresses for it')
      const { instances } = this.#config
      resign(name, { instances, what: 'everything', now: grace === 0 }, (error) => this.#log.error(error.message))
    }
    if (grace === 0) this.#forwarding.remove()
    else {
      for (const error of this.#keep(undefined, grace)) this.#log.error(error)
      this.#forwarding.leave(grace)
      this.#log.info(`the forwarding core goes on for ${grace / 1000} s; \`tanistd --release --now\` removes it`)
    }
    await flushLog(this.#log)
  }

  #apply(config: Config): readonly string[] {
    try {
      this.#forwarding.configure(config)
    } catch (error) {
      if (error instanceof CoreFullError || error instanceof SystemError) return [error.message]
      throw error
    }
    this.#config = config
    this.#loadedAt = new Date().toISOString()
    this.#configureVrrp()
    this.#configureCheck()
    return []
  }

  async #change(commands: readonly IpvsCommand[], by: Caller): Promise<readonly IpvsOutcome[]> {
    const outcomes = await this.#forwarding.change(commands)
    for (const [i, command] of commands.entries()) {
      const outcome = outcomes[i]
      this.#audit(`ipvsadm: ${command.type}${outcome === 'done' ? '' : ` refused: ${outcome}`}`, by, {
        command,
        outcome,
      })
    }
    return outcomes
  }

  /** What somebody did or asked for by hand. */
  #audit(what: string, by: Caller, details: object): void {
    this.#log.info({ by, ...details }, `${what}, by ${callerName(by)}`)
  }

  #configureVrrp(): void {
    const { instances, syncGroups, linkDelays } = this.#config
    const before = this.#replaced?.instances
    const known = before === undefined ? {} : { before }
    this.#vrrp.send({ type: 'configure', instances, groups: syncGroups, linkDelays, trackers: [], adopt: this.#adopt, ...known })
    this.#adopt = []
    this.#replaced = undefined
  }

  #configureCheck(): void {
    const tasks = checkTasks(this.#config)
    this.#verdicts.keepOnly(tasks)
    const up = this.#verdicts.all.filter((verdict) => verdict.up).map(({ id }) => id)
    this.#check.send({ type: 'configure', tasks, up })
  }

  #takeVerdicts(verdicts: FromCheck['verdicts']): void {
    for (const verdict of verdicts) {
      const { id, up, reason, at, notAsked } = verdict
      const line = { check: id, up, reason, at }
      if (notAsked === true)
        this.#log.error(line, `${id} could not send a check from this host; the state of the server is kept: ${reason}`)
      if (!this.#verdicts.take(verdict)) continue
      this.#events.add({ at: new Date(at).toISOString(), type: 'verdict', check: id, up, reason })
      if (up) this.#log.info(line, `${id} success: ${reason}`)
      else this.#log.warn(line, `${id} failed: ${reason}`)
      this.#forwarding.follow()
    }
  }

  /** Masters go on where they were, if the next process can be there before their peers give up on them. */
  #vrrpDied(how: string, delayMs: number, silentMs: number): void {
    this.#log.error(`the vrrp process has died (${how}); starting it again`)
    this.#events.add({ at: new Date().toISOString(), type: 'child-restart', role: 'vrrp', reason: how })
    const { instances } = this.#config
    const crashedAtOnce = performance.now() - this.#vrrpStartedAt < RESPAWN_MS
    const isCovered = this.#predecessor?.running === true // it is still master for them
    const absence = isCovered ? 0 : crashedAtOnce ? Number.POSITIVE_INFINITY : silentMs + delayMs + RESPAWN_MS
    const what = this.#succession(millis(absence))
    this.#adopt = what.adopted
    if (what.resigned.length === 0) return
    const names = what.resigned.map(({ name }) => name)
    this.#log.warn({ instances: names }, 'giving up mastership for instances whose peers would not wait')
    resign(this.#options.name, { instances, what, now: false }, (error) => this.#log.error(error.message))
    const end = { type: 'transition', from: 'master', to: 'init', reason: 'the vrrp process has died' } as const
    for (const instance of matchRouters(this.#instances, what.resigned).values()) {
      this.#take({ ...end, instance, priority: 0, at: Date.now() })
    }
  }

  #take(transition: Transition): void {
    this.#events.add(transitionEvent(transition))
    this.#instances = afterTransition(this.#instances, transition)
  }

  /** Of a vrrp process that cannot advertise for so long. */
  #succession(absence: Millis): Succession {
    const { instances, syncGroups: groups } = this.#config
    return succession({ instances, groups }, this.#instances, absence)
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
      instances: this.#instances,
      ...this.#forwarding.snapshot(),
    }
  }

  #processes(): readonly ProcessSnapshot[] {
    return [
      processSnapshot('director', { pid: process.pid, restarts: 0, lastEnd: undefined }),
      processSnapshot('vrrp', this.#vrrp),
      processSnapshot('check', this.#check),
    ]
  }

  #dump(): Dump {
    const { name, version, file, configId } = this.#options
    return {
      at: new Date().toISOString(),
      name,
      versions: versionsOf(version),
      startedAt: this.#startedAt,
      processes: this.#processes(),
      configuration: {
        file,
        loadedAt: this.#loadedAt,
        refused: this.#refused,
        notRunning: this.#config.notRunning,
        ...configurationText(readConfigFile(file, configId), this.#config),
      },
      instances: this.#instances,
      core: this.#forwarding.dump(),
      host: { interfaces: interfaceFacts(), sysctls: sysctlFacts() },
      events: this.#events.list(),
    }
  }
}
