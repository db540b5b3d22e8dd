import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { ProcessSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import type { Told } from '../../model/telling.ts'
import type { Millis } from '../../time.ts'
import { Child, CHILD_OPTIONS } from '../child.ts'
import type { FromCheck, ToCheck, Verdict } from '../messages.ts'
import { readCaFile } from '../../host/ca-file.ts'
import { PULSES } from '../pulse.ts'
import type { RecentEvents } from './events.ts'
import type { PidFiles } from './pid-files.ts'
import { verdictLine } from './keepalived-lines.ts'
import { processSnapshot } from './process-snapshot.ts'
import { Undelivered } from './undelivered.ts'
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
  /** Another prefix for each start: who is told something twice can see that. */
  readonly #undelivered = new Undelivered(randomUUID())
  #config: Config

  constructor(config: Config, context: ChecksContext) {
    this.#context = context
    this.#config = config
    const { name, log, events } = context
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
              this.#undelivered.told(message.numbers)
              break
          }
        },
        died: (how) => {
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
    const { mail, webhooks } = this.#config.telling
    if (told.length === 0 || (mail === undefined && webhooks.length === 0)) return
    this.#process.send({ type: 'tell', news: this.#undelivered.add(told) })
  }

  async stop(patience: Millis): Promise<void> {
    this.#process.send({ type: 'stop' })
    await this.#process.stop(patience)
  }

  #begun(): void {
    this.#context.pidFiles.write('check', this.#process.pid)
    this.#configure()
    const news = this.#undelivered.all
    if (news.length > 0) this.#process.send({ type: 'tell', news })
  }

  #configure(): void {
    const { verdicts } = this.#context
    const { telling } = this.#config
    this.#process.send({ type: 'telling', telling, caPem: this.#certificates() })
    const tasks = checkTasks(this.#config)
    verdicts.keepOnly(tasks)
    const up = verdicts.all.filter((verdict) => verdict.up).map(({ id }) => id)
    this.#process.send({ type: 'configure', tasks, up })
  }

  /** The process may not read them itself. */
  #certificates(): string | undefined {
    const file = this.#config.telling.mail?.caFile
    if (file === undefined) return undefined
    const read = readCaFile(file)
    if ('pem' in read) return read.pem
    this.#context.log.error(read.unusable)
    return undefined
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
