import type { Logger } from 'pino'
import type { ProcessSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import type { Told } from '../../model/telling.ts'
import type { Millis } from '../../time.ts'
import { Child, CHILD_OPTIONS } from '../child.ts'
import type { FromCheck, ToCheck, Verdict } from '../messages.ts'
import { PULSES } from '../pulse.ts'
import type { RecentEvents } from './events.ts'
import type { PidFiles } from './pid-files.ts'
import { verdictLine } from './keepalived-lines.ts'
import { Messenger } from './messenger.ts'
import { processSnapshot } from './process-snapshot.ts'
import { checkTasks, type Verdicts } from './verdicts.ts'

export interface ChecksContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  readonly events: RecentEvents
  readonly pidFiles: PidFiles
  readonly verdicts: Verdicts
  /** This verdict is another one than before. */
  changed(verdict: Verdict): void
}

/** The check process as the director has it: keeps it running with the configuration, and takes its verdicts. */
export class Checks {
  readonly #context: ChecksContext
  readonly #process: Child<ToCheck, FromCheck>
  readonly #messenger: Messenger
  #config: Config

  constructor(config: Config, context: ChecksContext) {
    this.#context = context
    this.#config = config
    const { name, log, events } = context
    this.#messenger = new Messenger((message) => this.#process.send(message), log)
    this.#process = new Child<ToCheck, FromCheck>(
      { role: 'check', args: [name], execArgv: CHILD_OPTIONS, pulse: PULSES.check },
      {
        // The first child starts before the field that names it is set.
        started: () => setImmediate(() => this.#begun()),
        message: (message) => {
          switch (message.type) {
            case 'verdicts':
              for (const verdict of message.verdicts) this.#take(verdict)
              break
            case 'told':
              this.#messenger.told(message.numbers)
              break
          }
        },
        died: (how) => {
          this.#messenger.checkDied()
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
    this.#configure()
  }

  /** Those whom mails and webhooks are for. */
  tell(told: readonly Told[]): void {
    this.#messenger.tell(told)
  }

  async stop(patience: Millis): Promise<void> {
    this.#process.send({ type: 'stop' })
    await this.#process.stop(patience)
  }

  #begun(): void {
    this.#context.pidFiles.write('check', this.#process.pid)
    this.#configure()
  }

  #configure(): void {
    const { verdicts } = this.#context
    this.#messenger.configure(this.#config.telling)
    const tasks = checkTasks(this.#config)
    verdicts.keepOnly(tasks)
    const up = verdicts.all.filter((verdict) => verdict.up).map(({ id }) => id)
    this.#process.send({ type: 'configure', tasks, up })
  }

  #take(verdict: Verdict): void {
    const { log, events, verdicts } = this.#context
    const { id, up, reason, at, notAsked } = verdict
    const line = { check: id, up, reason, at }
    if (notAsked === true)
      log.error(line, `${id} could not send a check from this host; the state of the server is kept: ${reason}`)
    if (!verdicts.take(verdict)) return
    events.add({ at: new Date(at).toISOString(), type: 'verdict', check: id, up, reason })
    log[up ? 'info' : 'warn'](line, verdictLine(id, up, reason))
    this.#context.changed(verdict)
  }
}
