import type { ChildProcess } from 'node:child_process'
import { type Millis, millis } from '../time.ts'
import type { Answer, AnswerBody, MessageBody, Request } from './agent-protocol.ts'
import { endGroup, runCommand, type Running, startCommand } from './commands.ts'
import { monotonicNow } from './monotonic.ts'
import type { Ran, Undoable, Undone } from './place.ts'
import { Worker } from './workers.ts'

/** Until a connection says another one. */
const DEAD_MAN: Millis = millis(15_000)
/** A command that acts, or undoes. */
const ACT_LIMIT: Millis = millis(30_000)
/** A daemon that is started again is one. */
const UNDO_LIMIT: Millis = millis(60_000)
/** BOUNDED: what goes on at a time. More is refused. */
const MOST = { commands: 256, undos: 10_000, workers: 256 } as const

interface Acted {
  readonly step: Undoable
  readonly acting: Running
  undoing: Promise<Ran> | undefined
}

/**
 * What works at a place for whoever is connected to it. It keeps how to undo what was done, and does it when it is told to end, or when
 * nobody is there any more.
 */
export class Agent {
  readonly #say: (message: MessageBody) => void
  /** By handles, in the order in which it was done. */
  readonly #acted = new Map<number, Acted>()
  readonly #running = new Set<Running>()
  readonly #started = new Set<ChildProcess>()
  readonly #workers = new Map<number, Worker>()
  #nextHandle = 1
  #deadMan = DEAD_MAN
  #heardAt = monotonicNow()
  #closed: Promise<readonly Undone[]> | undefined
  readonly #silence: NodeJS.Timeout

  /** `onSilence`: nobody was heard for too long. */
  constructor(say: (message: MessageBody) => void, onSilence: () => void) {
    this.#say = say
    this.#silence = setInterval(() => {
      // Who was stopped, with its machine, first reads what has come in the meantime.
      if (this.#isSilent()) setImmediate(() => this.#isSilent() && onSilence())
    }, 100)
  }

  /** Answers each request once, in whatever order. */
  take(request: Request): void {
    this.#heardAt = monotonicNow()
    const answer = (body: AnswerBody) => this.#say({ id: request.id, ...body } satisfies Answer)
    this.#answer(request).then(answer, (error: unknown) =>
      answer({ type: 'refused', reason: error instanceof Error ? error.message : String(error) }),
    )
  }

  /** Undoes what is left, the last first, and ends what it has started. One failure does not keep the others from being undone. */
  close(): Promise<readonly Undone[]> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #isSilent(): boolean {
    return this.#closed === undefined && monotonicNow() - this.#heardAt > this.#deadMan
  }

  async #answer(request: Request): Promise<AnswerBody> {
    // What it does from now on would not be undone.
    if (this.#closed !== undefined && request.type !== 'ping' && request.type !== 'close') {
      throw new Error('the place is being closed')
    }
    switch (request.type) {
      case 'ping':
        this.#deadMan = request.deadMan
        return { type: 'pong' }
      case 'run':
        return { type: 'ran', ran: await this.#run(request.argv, request.limit).ended }
      case 'start':
        return { type: 'started', pid: await this.#start(request) }
      case 'act':
        return await this.#act(request.step)
      case 'undo':
        return { type: 'ran', ran: await this.#undo(request.handle) }
      case 'work':
        await this.#work(request.id, request.program, request.args)
        return { type: 'works' }
      case 'ask':
        return { type: 'answered', answer: await this.#worker(request.worker).ask(request.question) }
      case 'end':
        await this.#worker(request.worker).end()
        this.#workers.delete(request.worker)
        return { type: 'ended' }
      case 'close':
        return { type: 'closed', undone: await this.close() }
    }
  }

  #run(argv: readonly string[], limit: Millis): Running {
    if (this.#running.size >= MOST.commands) throw new Error('too many commands at a time')
    const running = runCommand(argv, limit)
    this.#running.add(running)
    void running.ended.then(() => this.#running.delete(running))
    return running
  }

  async #start({ id, argv, log, env, staysAlive, tellsLines }: Request & { type: 'start' }): Promise<number> {
    if (this.#started.size >= MOST.commands) throw new Error('too many commands at a time')
    const onLine = tellsLines
      ? (line: string) => this.#say({ type: 'line', of: id, at: monotonicNow(), line })
      : undefined
    const child = await startCommand({ argv, log, env, onLine })
    if (child.pid === undefined) throw new Error(`${argv[0]} could not be started`)
    if (staysAlive) child.unref()
    else if (child.exitCode === null && child.signalCode === null) {
      this.#started.add(child)
      child.once('exit', () => this.#started.delete(child))
      // It was begun before the place was closed, and runs only now.
      if (this.#closed !== undefined) await endGroup(child)
    }
    return child.pid
  }

  async #act(step: Undoable): Promise<AnswerBody> {
    if (this.#acted.size >= MOST.undos) throw new Error('too much to undo')
    const acting = this.#run(step.act, ACT_LIMIT)
    const handle = this.#nextHandle++
    this.#acted.set(handle, { step, acting, undoing: undefined })
    return { type: 'acted', ran: await acting.ended, handle }
  }

  async #undo(handle: number): Promise<Ran> {
    const acted = this.#acted.get(handle)
    if (acted === undefined) throw new Error(`nothing is to be undone by the handle ${handle}`)
    acted.undoing ??= (async () => {
      await acted.acting.ended
      // Not `#run`: there is no bound that keeps it from being undone.
      const ran = await runCommand(acted.step.undo, UNDO_LIMIT).ended
      if (ran.status === 0) this.#acted.delete(handle)
      acted.undoing = undefined
      return ran
    })()
    return await acted.undoing
  }

  async #work(id: number, program: string, args: readonly string[]): Promise<void> {
    if (this.#workers.size >= MOST.workers) throw new Error('too many programs at a time')
    const onEvent = (event: unknown, at: Millis) => this.#say({ type: 'event', of: id, at, event })
    const worker = await Worker.start(program, args, onEvent)
    this.#workers.set(id, worker)
    if (this.#closed !== undefined) await worker.end()
  }

  #worker(id: number): Worker {
    const worker = this.#workers.get(id)
    if (worker === undefined) throw new Error('the program has been ended')
    return worker
  }

  async #close(): Promise<readonly Undone[]> {
    clearInterval(this.#silence)
    for (const running of this.#running) running.kill()
    const undone: Undone[] = []
    for (const [handle, { step, undoing }] of [...this.#acted].toReversed()) {
      await undoing
      if (!this.#acted.has(handle)) continue
      const { status, stderr } = await this.#undo(handle)
      undone.push({ text: step.text, failure: status === 0 ? undefined : stderr.trim() || `status ${status}` })
    }
    await Promise.all([
      ...[...this.#workers.values()].map((worker) => worker.end()),
      ...[...this.#started].map((child) => endGroup(child)),
    ])
    return undone
  }
}
