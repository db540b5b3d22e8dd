import type { Drill } from '../drill/drill.ts'
import { isPast, judgePast } from '../drill/figures.ts'
import { judgeInvariants } from '../drill/invariants.ts'
import {
  DIRECTORS,
  type DirectorSample,
  type Judgement,
  type RecordedEvent,
  type Recording,
  type TrafficRecord,
} from '../drill/recording.ts'
import {
  beginRun,
  nextMoment,
  type RunEffect,
  type RunEvent,
  stepRun,
  TIME_LIMIT,
  type UndoHandle,
} from '../drill/run.ts'
import { type Millis, millis } from '../time.ts'
import { perform } from './actions/actions.ts'
import { answering, ask } from './conditions.ts'
import { LostPlaceError } from './connect.ts'
import { monotonicNow } from './monotonic.ts'
import { sampleDirectors } from './sample.ts'
import type { LeftUndo, Stage } from './stage.ts'
import { ClientTraffic } from './traffic.ts'
import { isSettled, untilSettled } from './settled.ts'

/** How often a condition is looked at that is waited for. */
const ASK_AGAIN_MS = 20
/** After the last step what is broken may have so long to mend before the invariants are looked at. */
const HEAL_MS = 20_000
/** BOUNDED: events of one run. */
const MOST_EVENTS = 200_000

export interface RunOptions {
  readonly seed: number
  readonly limit?: Millis
  /** As it happens, in ms since the drill began. */
  readonly onEvent: (event: RecordedEvent) => void
  /** Ends the drill; its undos are carried out all the same. */
  readonly interrupt: AbortSignal
}

/** Runs a drill on a pair that is settled, and tells what was seen. Rejects when its traffic cannot be started. */
export async function runDrill(stage: Stage, drill: Drill, options: RunOptions): Promise<Recording> {
  const { directors, switch: itsSwitch } = stage.site
  // A probe each millisecond through somebody's real servers would be a load on them: there it is by ICMP where a drill does not say.
  const isServed = itsSwitch !== undefined && DIRECTORS.every((name) => directors[name].kind === 'tanist')
  const traffic = await ClientTraffic.start(drill, stage.site, isServed)
  try {
    return await new DrillRun(stage, drill, traffic, options).finish()
  } finally {
    await traffic.stop().catch(() => {}) // a lost place has ended them
  }
}

class DrillRun {
  readonly #stage: Stage
  readonly #drill: Drill
  readonly #traffic: ClientTraffic
  readonly #options: RunOptions
  readonly #beganAt = monotonicNow()
  readonly #startedAt = Date.now()
  readonly #events: RecordedEvent[] = []
  readonly #undos = new Map<number, LeftUndo>()
  readonly #finished = Promise.withResolvers<Recording['ending']>()
  #before: readonly DirectorSample[] = []
  #state: ReturnType<typeof beginRun>['state'] | undefined
  #nextUndo = 1
  #asking: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(stage: Stage, drill: Drill, traffic: ClientTraffic, options: RunOptions) {
    this.#stage = stage
    this.#drill = drill
    this.#traffic = traffic
    this.#options = options
  }

  async finish(): Promise<Recording> {
    const { site, promises, watch } = this.#stage
    this.#before = await sampleDirectors(this.#stage)
    watch.beginAnew()
    watch.onEvent = (event, at) => this.#record({ ...event, at: this.#since(at) })
    // What each has when the drill begins is no news.
    for (const director of DIRECTORS) {
      for (const address of site.virtualAddresses) {
        this.#events.push({ type: 'address', director, address, holds: watch.has(director, address), at: millis(0) })
      }
    }
    const stop = () => this.#take({ type: 'interrupt' })
    this.#options.interrupt.addEventListener('abort', stop)
    const begun = beginRun(this.#drill, promises, this.#beganAt, this.#options.limit ?? TIME_LIMIT)
    this.#state = begun.state
    this.#carryOut(begun.effects)
    if (this.#options.interrupt.aborted) stop()
    void site.lost?.then((error) => this.#loseBy(error))
    const ending = await this.#finished.promise
    this.#options.interrupt.removeEventListener('abort', stop)
    clearTimeout(this.#timer)
    const recording = await this.#recording(ending, promises)
    watch.onEvent = undefined
    this.#stage.forget()
    return recording
  }

  async #recording(ending: Recording['ending'], promises: Recording['promises']): Promise<Recording> {
    const { site, active } = this.#stage
    const healed = ending === 'lost connection' || (await untilSettled(this.#stage, HEAL_MS))
    const isThere = ending !== 'lost connection'
    const afterwards = isThere ? await sampleDirectors(this.#stage) : []
    const answers = isThere
      ? await Promise.all(
          site.targets.icmp
            .slice(0, 16)
            .map(async (address) => ({ address, macs: await answering(this.#stage, address) })),
        )
      : []
    const unjudged = {
      drill: this.#drill,
      seed: this.#options.seed,
      directors: { director1: site.directors.director1.kind, director2: site.directors.director2.kind },
      active,
      virtualAddresses: site.virtualAddresses,
      promises,
      startedAt: this.#startedAt,
      duration: this.#since(monotonicNow()),
      ending,
      events: this.#events.toSorted((a, b) => a.at - b.at),
      traffic: isThere ? await this.#records() : [],
      before: this.#before,
      afterwards,
      answering: answers.flatMap(({ address, macs }) => (macs === undefined ? [] : { address, macs })),
    }
    const claims = this.#events.flatMap((event) => (event.type === 'judged' ? event.judgement : []))
    const settled: readonly Judgement[] = healed
      ? []
      : [{ of: 'claim', text: 'the pair is settled again', holds: false, found: await isSettled(this.#stage) }]
    return { ...unjudged, judgements: [...claims, ...settled, ...judgeInvariants(unjudged, this.#drill.steps)] }
  }

  async #records(): Promise<readonly TrafficRecord[]> {
    const { place } = this.#stage.site.client
    const when = (at: Millis) => this.#since(place.here(at))
    return (await this.#traffic.records()).map((record) => withTimes(record, when))
  }

  #since(at: Millis): Millis {
    return millis(at - this.#beganAt)
  }

  #record(event: RecordedEvent): void {
    if (this.#events.length >= MOST_EVENTS) return
    this.#events.push(event)
    this.#options.onEvent(event)
  }

  #take(event: RunEvent): void {
    if (this.#state === undefined) return
    const { state, effects } = stepRun(this.#state, event, monotonicNow())
    this.#state = state
    this.#carryOut(effects)
  }

  #carryOut(effects: readonly RunEffect[]): void {
    for (const effect of effects) this.#effect(effect)
    clearTimeout(this.#timer)
    const next = this.#state && nextMoment(this.#state)
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#take({ type: 'tick' }), Math.max(0, next - monotonicNow()))
  }

  #effect(effect: RunEffect): void {
    switch (effect.type) {
      case 'act':
        void this.#act(effect)
        return
      case 'ask':
        this.#asking = effect.step
        void this.#ask(effect)
        return
      case 'stop asking':
        this.#asking = undefined
        return
      case 'judge':
        void this.#judge(effect)
        return
      case 'undo':
        void this.#undo(effect.handle)
        return
      case 'record':
        this.#record(effect.event)
        return
      case 'finish':
        this.#finished.resolve(effect.ending)
    }
  }

  async #act({ step, action }: Extract<RunEffect, { readonly type: 'act' }>): Promise<void> {
    const { failure, undos } = await perform(this.#stage, action)
    if (failure === undefined) {
      this.#take({ type: 'acted', step, undos: this.#handles(undos) })
      return
    }
    this.#take({ type: 'act-failed', step, reason: reasonOf(failure), undos: this.#handles(undos) })
    this.#loseBy(failure)
  }

  #handles(undos: readonly LeftUndo[]): readonly UndoHandle[] {
    return undos.map((undo) => {
      const id = this.#nextUndo++
      this.#undos.set(id, undo)
      return { id, text: undo.text }
    })
  }

  async #undo({ id }: UndoHandle): Promise<void> {
    const undo = this.#undos.get(id)
    const isNews = undo?.isDone() === false
    try {
      this.#take({ type: 'undone', id, failure: await undo?.run(), isNews })
    } catch (error) {
      const failure =
        error instanceof LostPlaceError ? `${error.place} is lost: its agent undoes it there` : reasonOf(error)
      this.#take({ type: 'undone', id, failure, isNews })
    }
  }

  async #ask({ step, condition, until }: Extract<RunEffect, { readonly type: 'ask' }>): Promise<void> {
    while (this.#asking === step && monotonicNow() < until) {
      try {
        const { holds } = await ask(this.#stage, condition, this.#partFrom)
        if (holds) return this.#take({ type: 'answered', step, isSo: true })
      } catch (error) {
        if (error instanceof LostPlaceError) return this.#loseBy(error)
        // A daemon that is just starting or ending cannot be asked: it is asked again.
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    }
  }

  get #partFrom(): Millis {
    return millis(this.#beganAt + (this.#state?.partFrom ?? 0))
  }

  async #judge({ id, claim, text, part }: Extract<RunEffect, { readonly type: 'judge' }>): Promise<void> {
    try {
      this.#take({ type: 'judged', id, judgement: await this.#judgement(claim, text, part) })
    } catch (error) {
      this.#take({ type: 'judged', id, judgement: { text, of: 'claim', holds: false, found: reasonOf(error) } })
      this.#loseBy(error)
    }
  }

  async #judgement(
    claim: Extract<RunEffect, { readonly type: 'judge' }>['claim'],
    text: string,
    part: Extract<RunEffect, { readonly type: 'judge' }>['part'],
  ): Promise<Judgement> {
    if (!isPast(claim)) return { text, of: 'claim', ...(await ask(this.#stage, claim, this.#partFrom)) }
    const { site, active, promises } = this.#stage
    const seen = {
      active,
      virtualAddresses: site.virtualAddresses,
      promises,
      events: this.#events.toSorted((a, b) => a.at - b.at),
      traffic: await this.#records(),
      before: this.#before,
      afterwards: claim.type === 'memory' ? await sampleDirectors(this.#stage) : [],
      servers: site.servers.map(({ word }) => word),
    }
    return judgePast(claim, text, seen, part)
  }

  #loseBy(error: unknown): void {
    if (error instanceof LostPlaceError) this.#take({ type: 'lost', place: error.place })
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The same record with other times. */
function withTimes(record: TrafficRecord, when: (at: Millis) => Millis): TrafficRecord {
  const timed = <T extends { readonly at: Millis }>(all: readonly T[]) =>
    all.map((each) => ({ ...each, at: when(each.at) }))
  switch (record.type) {
    case 'probe':
      return {
        ...record,
        from: when(record.from),
        to: when(record.to),
        gaps: timed(record.gaps),
        late: timed(record.late),
      }
    case 'requests':
      return { ...record, outcomes: timed(record.outcomes) }
    case 'connections':
      return { ...record, events: timed(record.events) }
  }
}
