import type { Logger } from 'pino'
import type { HostNews } from '../../check/hosts.ts'
import { RequestError } from '../../control/decode.ts'
import type { ProcessSnapshot } from '../../control/snapshot.ts'
import type { Asked } from '../../model/asked.ts'
import { type Check, weightAskedText } from '../../model/check.ts'
import { checkerTasks, isNetworkTask } from '../../model/checker.ts'
import type { HostAsked } from '../../model/host-name.ts'
import { readTlsClient } from '../../host/tls-client.ts'
import type { Config } from '../../model/config.ts'
import type { Told } from '../../model/telling.ts'
import { type Millis, millis } from '../../time.ts'
import { Child, ROOMY_CHILD_OPTIONS } from '../child.ts'
import { MAY_MARK } from '../check/may-mark.ts'
import type { FromCheck, ToCheck, Verdict } from '../messages.ts'
import { ProcessTuner } from '../process-tuner.ts'
import { PULSES } from '../pulse.ts'
import type { RecentEvents } from './events.ts'
import { readFromCheck } from './from-check.ts'
import type { PidFiles } from './pid-files.ts'
import { verdictLine } from './keepalived-lines.ts'
import { Messenger } from './messenger.ts'
import { processSnapshot } from './process-snapshot.ts'
import { Questions } from './questions.ts'
import type { Verdicts } from './verdicts.ts'

export interface ChecksContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  readonly events: RecentEvents
  readonly pidFiles: PidFiles
  readonly verdicts: Verdicts
  /** A verdict was taken, whether it changes anything or not. `isPlanned`: it is followed by `changed`. */
  taken(verdict: Verdict, isPlanned: boolean): void
  /** This verdict is another one than before. */
  changed(verdict: Verdict): void
  /** A checker has spoken for the first time, and has changed nothing by it. */
  found(): void
  /** What a name stands for. */
  named(news: HostNews): void
  /** A checker asks for another weight of its server. */
  reweighed(): void
  /** Names of the virtual servers whose checks rest. */
  suspended(): ReadonlySet<string>
  /** Every check has had a result since the start. Called once. */
  complete(): void
}

const REFUSALS_EVERY_MS = 60_000

/** What an answer may take longer than the deadline of its check. */
const ANSWER_MS = 5000
/** And the answer of name servers. */
const HOST_MS = 10_000

/** The check process as the director has it: keeps it running with the configuration. Takes the verdicts of all checkers. */
export class Checks {
  readonly #context: ChecksContext
  readonly #process: Child<ToCheck, FromCheck>
  readonly #messenger: Messenger
  readonly #tuner: ProcessTuner
  readonly #questions = new Questions()
  #config: Config
  #mayMark: boolean
  #suspended: ReadonlySet<string> = new Set()
  /** Checkers of this configuration and of the one before, whose last words may come late. */
  #ids: ReadonlySet<string>
  #idsBefore: ReadonlySet<string> = new Set()
  /** Messages that were refused since this was last said. */
  #refused = 0
  #refusedSaidAt = Number.NEGATIVE_INFINITY
  /** Checks without a result since the start. Empty from the moment on that there is none. */
  #awaited: Set<string> | undefined

  constructor(config: Config, context: ChecksContext) {
    this.#context = context
    this.#config = config
    this.#mayMark = marks(config)
    this.#ids = new Set(checkerTasks(config.virtualServers).map(({ id }) => id))
    const { name, log, events } = context
    this.#tuner = new ProcessTuner(log, 0)
    this.#messenger = new Messenger((message) => this.#process.send(message), log)
    this.#process = new Child<ToCheck, FromCheck>(
      {
        role: 'check',
        args: () => [name, ...(this.#mayMark ? [MAY_MARK] : [])],
        execArgv: ROOMY_CHILD_OPTIONS,
        pulse: PULSES.check,
      },
      {
        // The first child starts before the field that names it is set.
        started: () => setImmediate(() => this.#begun()),
        message: (said) => {
          const message = this.#read(said)
          switch (message?.type) {
            case 'verdicts':
              for (const verdict of message.verdicts) this.take(verdict)
              break
            case 'host':
              this.#context.named(message.news)
              break
            case 'told':
              this.#messenger.told(message.numbers)
              break
            case 'asked':
              this.#questions.answered(message.number, message.asked)
              break
            case undefined:
              break
          }
        },
        replaced: () => this.#ended(),
        died: (how) => {
          this.#ended()
          log.error(`the check process has died (${how}); starting it again`)
          events.add({ at: new Date().toISOString(), type: 'child-restart', role: 'check', reason: how })
        },
      },
    )
  }

  get isWell(): boolean {
    return this.#process.isWell
  }

  get snapshot(): ProcessSnapshot {
    return processSnapshot('check', this.#process)
  }

  configure(config: Config): void {
    this.#config = config
    const mayMark = marks(config)
    if (mayMark !== this.#mayMark) {
      // What a process has given up it does not get back, and what it needs no more it shall not have.
      this.#mayMark = mayMark
      this.#process.replace({ type: 'stop' })
    }
    this.#configure()
  }

  /** Asks a server once, for who wants to see what happens. */
  async ask(check: Check, host: HostAsked | undefined): Promise<Asked> {
    const urls = 'urls' in check ? check.urls.length : 1
    const patience = millis(check.timeout * urls + ANSWER_MS + (host === undefined ? 0 : HOST_MS))
    return await this.#questions.ask((number) => this.#process.send({ type: 'ask', number, check, host }), patience)
  }

  /** Those whom mails and webhooks are for. */
  tell(told: readonly Told[]): void {
    this.#messenger.tell(told)
  }

  /** Checks rest, or go on, as the addresses of their virtual servers come and go. */
  follow(): void {
    const now = this.#context.suspended()
    const before = this.#suspended
    if (now.size === before.size && [...now].every((name) => before.has(name))) return
    const { log } = this.#context
    for (const name of now) if (!before.has(name)) log.info(`checks of VS ${name} rest: none of its addresses is here`)
    for (const name of before) if (!now.has(name)) log.info(`checks of VS ${name} go on`)
    this.#configure()
  }

  async stop(patience: Millis): Promise<void> {
    this.#process.send({ type: 'stop' })
    await this.#process.stop(patience)
  }

  #ended(): void {
    this.#messenger.checkDied()
    this.#questions.lost()
  }

  #begun(): void {
    this.#context.pidFiles.write('check', this.#process.pid)
    this.#configure()
  }

  #configure(): void {
    const { verdicts } = this.#context
    this.#messenger.configure(this.#config.telling)
    const { virtualServers } = this.#config
    const all = checkerTasks(virtualServers)
    verdicts.keepOnly(all)
    this.#idsBefore = this.#ids
    this.#ids = new Set(all.map(({ id }) => id))
    this.#suspended = this.#context.suspended()
    const rests = this.#suspended
    const tasks = rests.size === 0 ? all : checkerTasks(virtualServers.filter(({ name }) => !rests.has(name)))
    const ids = tasks.map(({ id }) => id)
    // What a reload adds is not waited for.
    const isFirst = this.#awaited === undefined
    this.#await(new Set(ids.filter((id) => isFirst || this.#awaited?.has(id) === true)))
    const { check } = this.#config.processes
    const tlsClient = readTlsClient(this.#config.tlsClient)
    if (tlsClient.fault !== undefined) this.#context.log.error(tlsClient.fault)
    this.#process.send({
      type: 'configure',
      tasks: tasks.filter(isNetworkTask),
      found: verdicts.found,
      noSwap: check.noSwap,
      hosts: this.#config.hosts,
      tlsClient,
    })
    // It has no privileges to do so itself.
    if (this.#process.pid !== undefined) this.#tuner.tune(this.#process.pid, check)
  }

  #reweigh({ id, weight: asked, reason, at }: Verdict): void {
    const weight = asked === undefined ? 'as configured' : weightAskedText(asked)
    this.#context.events.add({ at: new Date(at).toISOString(), type: 'weight', check: id, weight, reason })
    this.#context.log.info({ check: id, weight, reason, at }, `${id} asks for weight ${weight}: ${reason}`)
    this.#context.reweighed()
  }

  #await(awaited: Set<string>): void {
    const wasComplete = this.#awaited?.size === 0
    this.#awaited = awaited
    if (awaited.size === 0 && !wasComplete) this.#context.complete()
  }

  /** Undefined when it is no message that the check process would send. */
  #read(said: unknown): FromCheck | undefined {
    try {
      return readFromCheck(said)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      this.#refuse(error.message)
      return undefined
    }
  }

  /** Said at once, and then once a minute. */
  #refuse(why: string): void {
    this.#refused++
    const now = performance.now()
    if (now - this.#refusedSaidAt < REFUSALS_EVERY_MS) return
    this.#context.log.error(`${this.#refused} of the messages about checks were refused: ${why}`)
    this.#refusedSaidAt = now
    this.#refused = 0
  }

  /** Whatever process has found it. */
  take(verdict: Verdict): void {
    const { log, events, verdicts } = this.#context
    const { id, up, reason, at, notAsked, unheard, warning } = verdict
    if (!this.#ids.has(id)) {
      if (!this.#idsBefore.has(id)) this.#refuse(`there is no checker \`${id.slice(0, 100)}\``)
      return
    }
    if (this.#awaited?.delete(id) === true && this.#awaited.size === 0) this.#context.complete()
    if (verdicts.isKnown(verdict)) return
    const line = { check: id, up, reason, at }
    if (notAsked === true)
      log.error(line, `${id} could not be checked from this host; the state of the server is kept: ${reason}`)
    if (unheard === true) log.warn(line, `${id}: ${reason}`)
    if (warning !== undefined) log.warn(line, `${id} is good, but ${warning}`)
    const isFirst = !verdicts.knows(id)
    const change = verdicts.take(verdict)
    this.#context.taken(verdict, change === 'state')
    if (change === 'weight') this.#reweigh(verdict)
    else if (isFirst && change === 'nothing') this.#context.found()
    if (change !== 'state') return
    events.add({ at: new Date(at).toISOString(), type: 'verdict', check: id, up, reason })
    log[up ? 'info' : 'warn'](line, verdictLine(id, up, reason))
    this.#context.changed(verdict)
  }
}

/** Whether checks of this configuration mark their packets. */
const marks = (config: Config): boolean =>
  checkerTasks(config.virtualServers)
    .filter(isNetworkTask)
    .some(({ check }) => check.source?.mark !== undefined)
