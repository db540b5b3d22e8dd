import { isDeepStrictEqual } from 'node:util'
import type { Found } from '../../check/found.ts'
import type { Logger } from 'pino'
import type { CommandSnapshot, ProcessSnapshot } from '../../control/snapshot.ts'
import type { Asked } from '../../model/asked.ts'
import { checkerTasks, isMiscTask, type MiscCheck } from '../../model/checker.ts'
import type { Config } from '../../model/config.ts'
import { millis } from '../../time.ts'
import type { HostAnswer } from '../../model/host-name.ts'
import { needsScripts, type News } from '../../model/notify.ts'
import { trackerKey, type TrackerResult, trackersByKey } from '../../model/tracking.ts'
import type { CommandRun, FromScript, ToScript, Verdict } from '../messages.ts'
import { notifySystemd } from '../../linux/process.ts'
import { scriptDigest } from '../script-digest.ts'
import type { RecentEvents } from './events.ts'
import { trackerLines } from './keepalived-lines.ts'
import { noAnswer, Questions } from './questions.ts'
import { forkedScripts, type ScriptLink, scriptService } from './script-link.ts'

/** BOUNDED: news that wait until the script process has read the configuration. Of more the oldest are not told to it. */
const WAITING_LIMIT = 1000

/** BOUNDED: queues whose last command is remembered; the one that ran longest ago gives way. */
const RUNS_LIMIT = 256

/** What the commands that are told of the end of the daemon may take, all queues side by side: more than a service manager likes to wait. */
const STOP_SCRIPTS_MS = 15_000

/** The same when a new program takes over at once. */
const HAND_OVER_MS = 2000

/** How long the election waits for the first look at files and processes, should the script process hang. */
const FIRST_LOOK_MS = 3000

/** Between the milder and the harder signal, and a little. */
const KILL_MARGIN_MS = 3000

/** What runs at the start and at the end may take longer than systemd waits for this unit. */
const extendTimeout = (ms: number) => notifySystemd(`EXTEND_TIMEOUT_USEC=${Math.ceil(ms + SYSTEMD_MARGIN_MS) * 1000}`)

/** For what comes before and behind it. */
const SYSTEMD_MARGIN_MS = 10_000

/** How long a script process that is away may take to come back when the daemon is about to end. */
const RETURN_MS = 3000

/** How soon the script process is asked again that could not read the file: somebody is writing it, as a rule. */
const ASK_AGAIN_MS = 2000

export interface ScriptsContext {
  /** Of the director. */
  readonly name: string
  readonly file: string
  readonly configId: string
  readonly version: string
  /** Of the service that runs the commands; undefined: a child of this process does. */
  readonly socket: string | undefined
  readonly log: Logger
  readonly events: RecentEvents
  tracked(results: readonly TrackerResult[]): void
  /** A checker that runs a command has found this. */
  judged(verdict: Verdict): void
  /** By the checkers. */
  found(): Found
  /** Names of the virtual servers whose checks rest. */
  suspended(): ReadonlySet<string>
  /** What names of real servers stand for. */
  answers(): readonly HostAnswer[]
}

/**
 * The script process as the director has it: has it run from the first configuration on that needs one, tells it what has
 * happened, and takes what it has found.
 */
export class Scripts {
  readonly #context: ScriptsContext
  readonly #runs = new Map<string, CommandRun>()
  /** By kind and name. BOUNDED by the configuration. */
  readonly #results = new Map<string, TrackerResult>()
  readonly #questions = new Questions()
  #link: ScriptLink | undefined
  #config: Config
  /** It has not been told of a configuration yet since this daemon started. */
  #starts = true
  /** It has a configuration, be it the one before that in force. */
  #hasConfig = false
  /** It has taken the configuration that is in force, or has refused it and goes on with the one before. */
  #isReady = false
  /** Checkers that it has been told to have rest. */
  #resting: readonly string[] = []
  #waiting: News[] = []
  #lost = 0
  /** Of `start` and `finish`, until they are answered. */
  #onStarted: (() => void) | undefined
  #onFinished: (() => void) | undefined
  /** What the script process is told last; by the next one, too, should this one die of it. */
  #finishing: Extract<ToScript, { type: 'finish' }> | undefined
  #absence: NodeJS.Timeout | undefined
  #askAgain: NodeJS.Timeout | undefined
  /** Why it could not read the file, so that this is said once. */
  #refusal: string | undefined

  constructor(config: Config, context: ScriptsContext) {
    this.#context = context
    this.#config = config
    this.#connect()
  }

  get isWell(): boolean {
    return this.#link?.isWell ?? true
  }

  get snapshot(): readonly ProcessSnapshot[] {
    return this.#link === undefined ? [] : [this.#link.snapshot]
  }

  /** The last command of each queue. */
  get runs(): readonly CommandSnapshot[] {
    return [...this.#runs.values()].map(({ queue, argv, end, good, ms, output, at }) => ({
      queue,
      command: argv.join(' '),
      end,
      good,
      durationMs: ms,
      output,
      at: new Date(at).toISOString(),
    }))
  }

  configure(config: Config): void {
    this.#config = config
    const there = trackersByKey(config.scripts.trackers)
    for (const key of this.#results.keys()) if (!there.has(key)) this.#results.delete(key)
    this.#isReady = false
    this.#connect()
    this.#configure()
  }

  /**
   * Runs `startup_script`. Resolves at its end, or when there is none and files and processes have been looked at: the election
   * begins with what they say. It begins in any case when the time for that is over.
   */
  async start(): Promise<void> {
    const { startup, trackers } = this.#config.scripts
    const isSoon = startup === undefined
    if (isSoon && (this.#isReady || trackers.files.length + trackers.processes.length === 0)) return
    if (!isSoon) extendTimeout(startup.timeout + KILL_MARGIN_MS)
    await new Promise<void>((resolve) => {
      this.#onStarted = resolve
      const longest = FIRST_LOOK_MS + (isSoon ? 0 : startup.timeout + KILL_MARGIN_MS)
      setTimeout(() => this.#startsWithout(isSoon ? 'files and processes' : 'startup_script'), longest).unref()
      if (!isSoon && this.#isReady) this.#link?.send({ type: 'start' })
    })
  }

  tell(news: readonly News[]): void {
    if (this.#link === undefined || news.length === 0) return
    if (this.#isReady) {
      this.#link.send({ type: 'news', news })
      return
    }
    this.#waiting.push(...news)
    const over = this.#waiting.length - WAITING_LIMIT
    if (over <= 0) return
    this.#waiting.splice(0, over)
    this.#lost += over
  }

  /** Checkers that run commands rest, or go on, as the addresses of their virtual servers come and go. */
  follow(): void {
    const resting = this.#restingNow()
    if (isDeepStrictEqual(resting, this.#resting)) return
    this.#resting = resting
    this.#link?.send({ type: 'rest', resting, found: this.#context.found() })
  }

  #restingNow(): readonly string[] {
    const suspended = this.#context.suspended()
    if (suspended.size === 0) return []
    const servers = this.#config.virtualServers.filter(({ name }) => suspended.has(name))
    return checkerTasks(servers)
      .filter(isMiscTask)
      .map(({ id }) => id)
  }

  /** Runs the command of a checker once, for who wants to see what it says. */
  async ask(id: string, { timeout }: MiscCheck): Promise<Asked> {
    const link = this.#link
    if (link === undefined || !this.#hasConfig) return noAnswer('the script process is away')
    const patience = millis(timeout + KILL_MARGIN_MS)
    return await this.#questions.ask((number) => link.send({ type: 'ask', number, id }), patience)
  }

  /** At the end of the daemon: what is to be run is finished, then comes `shutdown_script`. */
  async finish(): Promise<void> {
    const shutdown = this.#config.scripts.shutdown
    await this.#finish(true, STOP_SCRIPTS_MS + (shutdown === undefined ? 0 : shutdown.timeout + KILL_MARGIN_MS))
  }

  /** This process is about to become another program, which begins with another script process, or finds the service. */
  async handOver(): Promise<void> {
    if (this.#context.socket === undefined) await this.#finish(false, HAND_OVER_MS)
  }

  async #finish(shutdown: boolean, longest: number): Promise<void> {
    const link = this.#link
    if (link === undefined) return
    if (shutdown) extendTimeout(longest + KILL_MARGIN_MS)
    this.#finishing = { type: 'finish', within: shutdown ? STOP_SCRIPTS_MS : HAND_OVER_MS, shutdown }
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve
      setTimeout(resolve, longest + KILL_MARGIN_MS).unref()
      if (this.#isReady) this.#askToFinish()
      else this.#awaitReturn()
    })
    clearTimeout(this.#absence)
    clearTimeout(this.#askAgain)
    await link.stop(KILL_MARGIN_MS)
  }

  #askToFinish(): void {
    clearTimeout(this.#absence)
    if (this.#finishing !== undefined) this.#link?.send(this.#finishing)
  }

  #awaitReturn(): void {
    clearTimeout(this.#absence)
    this.#absence = setTimeout(() => this.#onFinished?.(), RETURN_MS)
  }

  #connect(): void {
    if (this.#link !== undefined || !needsScripts(this.#config.scripts)) return
    const { name, file, configId, version, socket, log, events } = this.#context
    const listener = {
      connected: () => this.#configure(),
      message: (message: FromScript) => this.#take(message),
      lost: (how: string) => {
        this.#isReady = false
        this.#hasConfig = false
        this.#questions.lost()
        log.error(
          `the script process is gone (${how}); until it is back trackers and servers keep their state, and news wait`,
        )
        events.add({ at: new Date().toISOString(), type: 'child-restart', role: 'script', reason: how })
        if (this.#finishing !== undefined) this.#awaitReturn()
      },
    }
    this.#link =
      socket === undefined
        ? forkedScripts([name, file, configId], listener)
        : scriptService(socket, version, log, listener)
  }

  #configure(): void {
    clearTimeout(this.#askAgain)
    const digest = scriptDigest(this.#config.scripts)
    const answers = this.#context.answers()
    const known = answers.length === 0 ? {} : { answers }
    this.#resting = this.#restingNow()
    const [starts, resting] = [this.#starts, this.#resting]
    this.#link?.send({ type: 'configure', digest, starts, found: this.#context.found(), resting, ...known })
  }

  #take(message: FromScript): void {
    switch (message.type) {
      case 'configured':
        this.#configured(message.digest)
        this.#track(message.trackers)
        for (const verdict of message.verdicts) this.#context.judged(verdict)
        if (this.#config.scripts.startup === undefined) this.#hasStarted()
        break
      case 'refused':
        this.#refused(message.errors)
        break
      case 'started':
        this.#hasStarted()
        break
      case 'trackers':
        this.#track(message.results)
        break
      case 'verdict':
        this.#context.judged(message.verdict)
        break
      case 'asked':
        this.#questions.answered(message.number, message.asked)
        break
      case 'ran':
        this.#ran(message)
        break
      case 'finished':
        this.#onFinished?.()
        break
    }
  }

  /** The file is another one than what is in force, and is wrong. It is looked at again until it is mended. */
  #refused(errors: readonly string[]): void {
    const refusal = errors.join('\n')
    if (refusal !== this.#refusal) {
      this.#context.log.error(
        { errors },
        `the script process cannot read the configuration file as it is now; until it can, ${this.#hasConfig ? 'it goes on with the one before' : 'trackers keep their state, and news wait'}`,
      )
    }
    this.#refusal = refusal
    if (this.#hasConfig && !this.#isReady) this.#goOn()
    this.#askAgain = setTimeout(() => this.#configure(), ASK_AGAIN_MS)
  }

  #startsWithout(what: string): void {
    if (this.#onStarted !== undefined)
      this.#context.log.error(`the election begins without ${what}: that took too long`)
    this.#hasStarted()
  }

  #hasStarted(): void {
    this.#onStarted?.()
    this.#onStarted = undefined
  }

  #configured(digest: string): void {
    const { log } = this.#context
    if (digest !== scriptDigest(this.#config.scripts)) {
      log.warn(
        'the configuration file has changed since it was loaded: its commands are those of the file as it is now',
      )
    }
    this.#hasConfig = true
    this.#starts = false
    this.#refusal = undefined
    this.#goOn()
  }

  /** It is told what has happened meanwhile, and what happens from now on. */
  #goOn(): void {
    const { log } = this.#context
    this.#isReady = true
    const isStarting = this.#onStarted !== undefined && this.#finishing === undefined
    if (isStarting && this.#config.scripts.startup !== undefined) this.#link?.send({ type: 'start' })
    if (this.#lost > 0) log.error(`${this.#lost} events were not told to scripts: the script process was away too long`)
    this.#lost = 0
    const news = this.#waiting
    this.#waiting = []
    if (news.length > 0) this.#link?.send({ type: 'news', news })
    this.#askToFinish()
  }

  #track(results: readonly TrackerResult[]): void {
    if (results.length === 0) return
    for (const result of results) this.#say(result)
    this.#context.tracked(results)
  }

  #say(result: TrackerResult): void {
    const { log, events } = this.#context
    const { kind, name, value, detail, at } = result
    const key = trackerKey(result)
    const before = this.#results.get(key)
    this.#results.set(key, result)
    const level = value.type === 'bad' ? 'warn' : 'info'
    for (const line of trackerLines(before, result)) log[level]({ tracker: name, kind }, `${line}: ${detail}`)
    if (JSON.stringify(before?.value) === JSON.stringify(value)) return
    const said = value.type === 'number' ? String(value.value) : value.type
    events.add({ at: new Date(at).toISOString(), type: 'tracker', kind, name, value: said, detail })
  }

  #ran(run: CommandRun): void {
    const { log, events } = this.#context
    const { queue, argv, end, good, ms, output, at } = run
    this.#runs.delete(queue)
    this.#runs.set(queue, run)
    const [oldest] = this.#runs.keys()
    if (this.#runs.size > RUNS_LIMIT && oldest !== undefined) this.#runs.delete(oldest)
    const said = output === '' ? '' : `: ${output}`
    const text = `${queue}: ${argv.join(' ')}: ${end} after ${Math.round(ms)} ms${said}`
    log[good ? 'info' : 'warn']({ queue, argv, end, ms }, text)
    events.add({ at: new Date(at).toISOString(), type: 'command', queue, command: argv.join(' '), end, good })
  }
}
