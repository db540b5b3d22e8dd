import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { TimedCommand } from '../../model/command.ts'
import { needsScripts, type News, type ScriptConfig } from '../../model/notify.ts'
import type { StateNews } from '../../model/telling.ts'
import { configToRun, readConfigFile } from '../../host/config-file.ts'
import { ordersFor } from '../../notify/orders.ts'
import type { CommandRun, FromScript, ToScript } from '../messages.ts'
import { scriptDigest } from '../script-digest.ts'
import { commandRun, Commands } from './command.ts'
import { MOST_LEFT } from './process-group.ts'
import { inWords } from './duration.ts'
import { Pipes } from './pipes.ts'
import { KILLED_WITHIN_MS, Queues } from './queues.ts'
import { KnownTrackers } from './known-trackers.ts'
import { MiscChecks } from './misc-checks.ts'

export interface ScriptServiceOptions {
  readonly file: string
  /** What `@ID` lines of it mean by this host. */
  readonly configId: string
}

/** How long what has been told may take when the director has gone without a word. */
const LEAVE_MS = 60_000

/**
 * What the script process does, whoever carries the messages. It reads the file itself, and runs only commands that are in it. Messages
 * take effect in their order.
 */
export class ScriptService {
  readonly #options: ScriptServiceOptions
  readonly #send: (message: FromScript) => void
  readonly #log: Logger
  readonly #trackers: KnownTrackers
  readonly #checks: MiscChecks
  readonly #queues: Queues
  readonly #pipes: Pipes
  #config: ScriptConfig | undefined
  #commands: Commands | undefined
  /** The last state of each instance and group, for pipes. BOUNDED by what is configured. */
  #states = new Map<string, StateNews>()
  #taken: Promise<void> = Promise.resolve()

  constructor(options: ScriptServiceOptions, send: (message: FromScript) => void, log: Logger) {
    this.#options = options
    this.#send = send
    this.#log = log
    this.#trackers = new KnownTrackers((results) => send({ type: 'trackers', results }))
    this.#checks = new MiscChecks((verdict) => send({ type: 'verdict', verdict }))
    const ran = (run: CommandRun) => send(run)
    this.#queues = new Queues({
      ran,
      overflowed: (queue) =>
        log.error(`${queue}: too many notifications wait for their commands; the oldest are not run`),
      caughtUp: (queue, dropped) => log.warn({ queue, dropped }, `${queue}: ${dropped} notifications were not run`),
    })
    this.#pipes = new Pipes({
      ran,
      full: (path) => log.error(`nobody reads ${path}: it is full; only what is newest is kept`),
      caughtUp: (path, lost) => log.warn({ path, lost }, `${path} is read again; ${lost} older lines were not written`),
      failed: (path, reason) => log.error(`no named pipe ${path}: ${reason}`),
    })
  }

  take(message: ToScript): void {
    this.#taken = this.#taken.then(async () => await this.#takeNow(message))
  }

  /** The director has gone, and another one will start another process: what it has told is still done, in `withinMs` at most. */
  async leave(withinMs = LEAVE_MS): Promise<void> {
    await this.#taken
    const watched = Promise.all([this.#trackers.end(), this.#checks.end()])
    await this.#queues.finish(withinMs)
    // Their names may be in use by the next process already.
    await this.#pipes.end(false)
    await Promise.race([watched, sleep(KILLED_WITHIN_MS)])
  }

  async #takeNow(message: ToScript): Promise<void> {
    switch (message.type) {
      case 'configure':
        await this.#configure(message)
        break
      case 'start':
        // What comes behind is not kept waiting.
        void this.#once('startup', this.#config?.startup).then(() => this.#send({ type: 'started' }))
        break
      case 'news':
        for (const news of message.news) this.#tell(news)
        break
      case 'rest':
        this.#checks.rest(message.resting, message.found)
        break
      case 'ask':
        // What comes behind is not kept waiting.
        void this.#checks.ask(message.id).then((asked) => this.#send({ type: 'asked', number: message.number, asked }))
        break
      case 'finish':
        await this.#finish(message.within, message.shutdown)
        this.#send({ type: 'finished' })
        break
    }
  }

  async #configure({
    digest,
    starts,
    found,
    resting,
    answers = [],
  }: Extract<ToScript, { type: 'configure' }>): Promise<void> {
    const { file, configId } = this.#options
    // Whether it runs although some of its protections do not has been decided by who has put it into force.
    const { configAt, errors } = configToRun(readConfigFile(file, configId), true)
    const config = configAt(answers)
    if (config === undefined) {
      this.#checks.rest(resting, found)
      this.#send({ type: 'refused', errors })
      return
    }
    const { scripts } = config
    // The file may have changed since the director has read it; without any commands nobody would be told anything.
    const own = scriptDigest(scripts)
    if (own !== digest)
      this.#log.warn('the commands are those of the file as it is now, which has changed since it was loaded')
    const isReload = this.#config !== undefined && !starts
    this.#config = scripts
    const commands = new Commands(scripts.policy, this.#commands, (program) =>
      this.#log.error(`${program} left more than ${MOST_LEFT} processes running; they are killed`),
    )
    this.#commands = commands
    if (needsScripts(scripts)) this.#warnOfRoot(scripts)
    await this.#pipes.configure(scripts.fifos, commands)
    if (isReload) this.#writeStates(scripts)
    this.#trackers.configure(scripts.trackers, commands, starts)
    this.#checks.configure(scripts.checks, resting, found, commands)
    this.#send({ type: 'configured', digest: own, trackers: this.#trackers.all, verdicts: this.#checks.all })
  }

  /** keepalived's own words, which people's log alerts wait for. */
  #warnOfRoot({ policy }: ScriptConfig): void {
    if (policy.secure) return
    this.#log.warn('SECURITY VIOLATION - scripts are being executed but script_security not enabled.')
  }

  #tell(news: News): void {
    if (news.type === 'state') this.#remember(news)
    const { runs, lines } = ordersFor(news, this.#config ?? NOTHING)
    for (const order of runs) if (this.#commands !== undefined) this.#queues.add(order, this.#commands)
    for (const line of lines) this.#pipes.write(line)
  }

  #remember(news: StateNews): void {
    const key = `${news.subject} ${news.name}`
    if (news.state === 'DELETED') this.#states.delete(key)
    else this.#states.set(key, news)
  }

  /** After a reload, if the configuration says so: to the pipes alone, groups first. */
  #writeStates(config: ScriptConfig): void {
    const keys = [
      ...config.groups.map(({ name }) => `GROUP ${name}`),
      ...config.instances.map(({ name }) => `INSTANCE ${name}`),
    ]
    const kept = keys.flatMap((key) => this.#states.get(key) ?? [])
    this.#states = new Map(kept.map((news) => [`${news.subject} ${news.name}`, news]))
    if (!config.statesOnReload) return
    for (const news of kept) for (const line of ordersFor(news, config).lines) this.#pipes.write(line)
  }

  async #finish(withinMs: number, shutdown: boolean): Promise<void> {
    void this.#trackers.end()
    void this.#checks.end()
    await this.#queues.finish(withinMs)
    if (shutdown) await this.#once('shutdown', this.#config?.shutdown)
    await this.#pipes.end(shutdown)
    this.#states.clear()
    this.#config = undefined
    this.#commands = undefined
  }

  /** Runs a command that runs once, and reports it. */
  async #once(queue: 'startup' | 'shutdown', timed: TimedCommand | undefined): Promise<void> {
    if (timed === undefined || this.#commands === undefined) return
    const { command, timeout } = timed
    const run = this.#commands.start(command, [])
    const limit = setTimeout(() => run.stop(`its time limit of ${inWords(timeout)}`), timeout)
    const ended = await run.ended
    clearTimeout(limit)
    this.#send(commandRun(queue, command.argv, ended))
  }
}

/** Before the first configuration there is nobody to tell. */
const NOTHING: ScriptConfig = {
  policy: { user: undefined, secure: true, supplementaryGroups: false },
  trackers: { scripts: [], files: [], processes: [] },
  checks: [],
  instances: [],
  groups: [],
  services: [],
  fifos: [],
  statesOnReload: false,
  initialServers: false,
  startup: undefined,
  shutdown: undefined,
}
