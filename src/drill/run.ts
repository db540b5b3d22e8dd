import { type Millis, millis, seconds } from '../time.ts'
import type { Drill, Step } from './drill.ts'
import type { Interval } from './intervals.ts'
import type { ActionName } from './language/actions.ts'
import type { Claim, Condition } from './language/conditions.ts'
import { limitMillis, type Promises } from './promises.ts'
import type { Ending, Judgement, RecordedEvent } from './recording.ts'

/** What a step has left to be undone. */
export interface UndoHandle {
  /** Unique in a run. */
  readonly id: number
  /** For people. */
  readonly text: string
}

export type RunEvent =
  /** A step was done; `undos` in the order in which they came to be. */
  | { readonly type: 'acted'; readonly step: number; readonly undos: readonly UndoHandle[] }
  /** It was not, or only a part of it, which is to be undone. */
  | {
      readonly type: 'act-failed'
      readonly step: number
      readonly reason: string
      readonly undos: readonly UndoHandle[]
    }
  /** To `ask`. */
  | { readonly type: 'answered'; readonly step: number; readonly isSo: boolean }
  | { readonly type: 'judged'; readonly id: number; readonly judgement: Judgement }
  /** `isNews`: a step had not taken it back before. */
  | { readonly type: 'undone'; readonly id: number; readonly failure: string | undefined; readonly isNews: boolean }
  /** Time has passed: at `nextMoment` at the latest. */
  | { readonly type: 'tick' }
  | { readonly type: 'interrupt' }
  /** Who asks from outside for an end in time; a run has a time limit of its own, too. */
  | { readonly type: 'time-limit' }
  | { readonly type: 'lost'; readonly place: string }

export type RunEffect =
  /** Is answered by `acted` or `act-failed`, in any case and once. */
  | { readonly type: 'act'; readonly step: number; readonly action: Step }
  /** Asked every 20 ms until it is so, or `stop asking` comes. */
  | { readonly type: 'ask'; readonly step: number; readonly condition: Condition; readonly until: Millis }
  | { readonly type: 'stop asking'; readonly step: number }
  /** A claim as it is now; `part` in ms since the drill began. Is answered by `judged` with this id. */
  | {
      readonly type: 'judge'
      readonly id: number
      readonly claim: Claim
      readonly text: string
      readonly part: Interval
    }
  | { readonly type: 'undo'; readonly handle: UndoHandle }
  | { readonly type: 'record'; readonly event: RecordedEvent }
  /** Once. Only what a step has left that was given up on and comes to its end later is undone after it. */
  | { readonly type: 'finish'; readonly ending: Ending }

/** What a run waits for. Times are of the driver's clock. */
type Doing =
  /** `giveUpAt`: the run has ended meanwhile, and what the step leaves is to be undone, too. */
  | { readonly type: 'acting'; readonly step: number; readonly giveUpAt: Millis | undefined }
  | { readonly type: 'waiting'; readonly step: number; readonly until: Millis }
  | { readonly type: 'asking'; readonly step: number; readonly until: Millis }
  | {
      readonly type: 'judging'
      readonly of: Judged
      readonly id: number
      readonly text: string
      readonly until: Millis
    }
  | { readonly type: 'undoing'; readonly handle: UndoHandle; readonly until: Millis }
  | { readonly type: 'finished' }

/** A claim among the steps, or one of the whole drill by its number, of the time until its last step was done. */
type Judged =
  | { readonly by: 'step'; readonly step: number }
  | { readonly by: 'drill'; readonly claim: number; readonly to: Millis }

export interface RunState {
  readonly drill: Pick<Drill, 'steps' | 'claims'>
  readonly promises: Promises
  readonly limit: Millis
  readonly beganAt: Millis
  /** Begin of the part that claims are about, in ms since the drill began. */
  readonly partFrom: Millis
  readonly doing: Doing
  /** BOUNDED by the steps and what each leaves. */
  readonly undos: readonly UndoHandle[]
  /** The step that has been begun by `act`, and has not been answered. */
  readonly unanswered: number | undefined
  readonly nextId: number
  /** Decided: only undos follow. */
  readonly ending: Ending | undefined
}

export interface RunStep {
  readonly state: RunState
  readonly effects: readonly RunEffect[]
}

/** Of a whole drill, without its undos. */
export const TIME_LIMIT = seconds(120)
/** When a drill ends in the midst of a step, the step may have so long to come to an end. */
const ACT_PATIENCE = seconds(10)
/** A claim of a moment asks directors and neighbours. */
const JUDGE_PATIENCE = seconds(30)
/** A daemon that is started, or a command with its own limit of a minute. */
const UNDO_PATIENCE = seconds(70)

export function beginRun(
  drill: Pick<Drill, 'steps' | 'claims'>,
  promises: Promises,
  now: Millis,
  limit: Millis = TIME_LIMIT,
): RunStep {
  const state: RunState = {
    drill,
    promises,
    limit,
    beganAt: now,
    partFrom: millis(0),
    doing: { type: 'finished' },
    undos: [],
    unanswered: undefined,
    nextId: 1,
    ending: undefined,
  }
  const turn = new Turn(state, now)
  turn.goOn(0)
  return turn.result
}

/**
 * Steps in their order, then the claims of the whole drill, then every undo that is left, the last first. What ends a drill before (a
 * failed step, an interruption, the time limit, a lost place) leads to the undos at once, and nothing leads past them. An answer to what
 * is not being waited for is passed over, but what a late step has left is undone.
 */
export function stepRun(state: RunState, event: RunEvent, now: Millis): RunStep {
  const turn = new Turn(state, now)
  turn.expire()
  turn.take(event)
  return turn.result
}

/** When the driver is to tick at the latest; undefined: nothing hangs on the time. */
export function nextMoment({ doing, ending, beganAt, limit }: RunState): Millis | undefined {
  const at = dueAt(doing)
  const end = ending === undefined ? beganAt + limit : undefined
  if (at === undefined || end === undefined) return at ?? (end === undefined ? undefined : millis(end))
  return millis(Math.min(at, end))
}

function dueAt(doing: Doing): Millis | undefined {
  switch (doing.type) {
    case 'acting':
      return doing.giveUpAt
    case 'waiting':
    case 'asking':
    case 'judging':
    case 'undoing':
      return doing.until
    case 'finished':
      return undefined
  }
}

/** One event: the state that it leads to, and the effects on the way. */
class Turn {
  #state: RunState
  readonly #now: Millis
  readonly #effects: RunEffect[] = []

  constructor(state: RunState, now: Millis) {
    this.#state = state
    this.#now = now
  }

  get result(): RunStep {
    return { state: this.#state, effects: this.#effects }
  }

  /** What was to be over by now. */
  expire(): void {
    const { beganAt, limit, doing } = this.#state
    if (this.#now >= beganAt + limit) this.#end('time limit', `the drill takes longer than ${limit / 1000} s`)
    const due = dueAt(this.#state.doing)
    // What the time limit has just begun is not due.
    if (due === undefined || this.#now < due || this.#state.doing !== doing) return
    switch (doing.type) {
      case 'acting':
        this.#undoNext()
        return
      case 'waiting':
        this.#done(doing.step)
        return
      case 'asking':
        this.#emit({ type: 'stop asking', step: doing.step })
        this.#fail(doing.step, 'it was not so in time')
        return
      case 'judging':
        this.#judged(doing.of, {
          text: doing.text,
          of: 'claim',
          holds: undefined,
          found: 'there was no answer in time',
        })
        return
      case 'undoing':
        this.#record({ type: 'undone', text: doing.handle.text, failure: 'it did not come to an end in time' })
        this.#undoNext()
        return
      case 'finished':
        return
    }
  }

  take(event: RunEvent): void {
    const { doing } = this.#state
    switch (event.type) {
      case 'acted':
      case 'act-failed':
        this.#answered(event)
        return
      case 'answered':
        if (doing.type !== 'asking' || doing.step !== event.step || !event.isSo) return
        this.#emit({ type: 'stop asking', step: doing.step })
        this.#done(doing.step)
        return
      case 'judged':
        if (doing.type === 'judging' && doing.id === event.id) this.#judged(doing.of, event.judgement)
        return
      case 'undone':
        if (doing.type !== 'undoing' || doing.handle.id !== event.id) return
        if (event.isNews) this.#record({ type: 'undone', text: doing.handle.text, failure: event.failure })
        this.#undoNext()
        return
      case 'tick':
        return
      case 'interrupt':
        this.#end('interrupted', 'interrupted')
        return
      case 'time-limit':
        this.#end('time limit', 'the drill takes too long')
        return
      case 'lost':
        this.#end('lost connection', `${event.place} is lost`)
        return
    }
  }

  /** From this step on until there is something to wait for. */
  goOn(first: number): void {
    const { steps } = this.#state.drill
    for (let number = first; number < steps.length; number++) {
      const step = steps[number]
      if (step === undefined) break
      if (!tellsItself(step)) this.#record({ type: 'begun', step: number, text: step.text })
      if (!isCourse(step)) {
        this.#set({ doing: { type: 'acting', step: number, giveUpAt: undefined }, unanswered: number })
        this.#emit({ type: 'act', step: number, action: step })
        return
      }
      switch (step.action) {
        case 'wait':
          this.#set({ doing: { type: 'waiting', step: number, until: this.#after(step.arguments.for) } })
          return
        case 'wait for': {
          const { condition, within } = step.arguments.until
          const until = this.#after(limitMillis(within, this.#state.promises))
          this.#set({ doing: { type: 'asking', step: number, until } })
          this.#emit({ type: 'ask', step: number, condition, until })
          return
        }
        case 'claim': {
          const part = { from: this.#state.partFrom, to: this.#sinceBegin }
          this.#judge({ by: 'step', step: number }, step.arguments.that, step.text, part)
          return
        }
        case 'say':
          this.#record({ type: 'said', text: step.arguments.text })
          break
        case 'measure':
          this.#set({ partFrom: this.#sinceBegin })
          this.#record({ type: 'part', name: step.arguments.part })
          break
      }
    }
    this.#conclude(0, this.#sinceBegin)
  }

  /** What the whole drill claims: of the time until its last step was done. */
  #conclude(claim: number, to: Millis): void {
    const written = this.#state.drill.claims[claim]
    if (written !== undefined) {
      this.#judge({ by: 'drill', claim, to }, written.claim, written.text, { from: millis(0), to })
      return
    }
    this.#set({ ending: 'finished' })
    this.#undoNext()
  }

  #judge(of: Judged, claim: Claim, text: string, part: Interval): void {
    const id = this.#state.nextId
    this.#set({ doing: { type: 'judging', of, id, text, until: this.#after(JUDGE_PATIENCE) }, nextId: id + 1 })
    this.#emit({ type: 'judge', id, claim, text, part })
  }

  #judged(of: Judged, judgement: Judgement): void {
    this.#record({ type: 'judged', judgement })
    if (of.by === 'step') this.goOn(of.step + 1)
    else this.#conclude(of.claim + 1, of.to)
  }

  /** A step tells its end, also one that nobody waits for any more. */
  #answered(event: Extract<RunEvent, { readonly type: 'acted' | 'act-failed' }>): void {
    const { unanswered, doing, ending, undos } = this.#state
    if (event.step !== unanswered) return
    this.#set({ unanswered: undefined, undos: [...undos, ...event.undos] })
    if (doing.type === 'finished') {
      // Nobody records any more; but nothing stays as it is.
      for (const handle of event.undos.toReversed()) this.#emit({ type: 'undo', handle })
      this.#set({ undos: [] })
    } else if (doing.type === 'acting') {
      if (ending !== undefined) this.#undoNext()
      else if (event.type === 'acted') this.#done(event.step)
      else this.#fail(event.step, event.reason)
    }
  }

  #done(step: number): void {
    this.#record({ type: 'done', step })
    this.goOn(step + 1)
  }

  #fail(step: number, reason: string): void {
    this.#record({ type: 'failed', step, reason })
    this.#set({ ending: 'failed' })
    this.#undoNext()
  }

  /** From outside. The first reason for an end counts. */
  #end(ending: Ending, reason: string): void {
    const { doing } = this.#state
    if (this.#state.ending !== undefined) return
    this.#set({ ending })
    switch (doing.type) {
      case 'acting':
        this.#record({ type: 'failed', step: doing.step, reason })
        this.#set({ doing: { ...doing, giveUpAt: this.#after(ACT_PATIENCE) } })
        return
      case 'asking':
        this.#emit({ type: 'stop asking', step: doing.step })
        this.#record({ type: 'failed', step: doing.step, reason })
        this.#undoNext()
        return
      case 'waiting':
        this.#record({ type: 'failed', step: doing.step, reason })
        this.#undoNext()
        return
      case 'judging':
        if (doing.of.by === 'step') this.#record({ type: 'failed', step: doing.of.step, reason })
        this.#undoNext()
        return
      // These have an ending.
      case 'undoing':
      case 'finished':
        return
    }
  }

  #undoNext(): void {
    const { undos, ending = 'finished' } = this.#state
    const handle = undos.at(-1)
    if (handle !== undefined) {
      const until = this.#after(UNDO_PATIENCE)
      this.#set({ undos: undos.slice(0, -1), doing: { type: 'undoing', handle, until } })
      this.#emit({ type: 'undo', handle })
      return
    }
    this.#set({ doing: { type: 'finished' } })
    this.#emit({ type: 'finish', ending })
  }

  get #sinceBegin(): Millis {
    return millis(this.#now - this.#state.beganAt)
  }

  #after(time: Millis): Millis {
    return millis(this.#now + time)
  }

  #set(change: Partial<RunState>): void {
    this.#state = { ...this.#state, ...change }
  }

  #emit(effect: RunEffect): void {
    this.#effects.push(effect)
  }

  #record(event: Unplaced<RecordedEvent>): void {
    this.#emit({ type: 'record', event: { ...event, at: this.#sinceBegin } })
  }
}

/** What a run does by itself; all else is the driver's. */
type CourseStep = Extract<Step, { readonly action: 'wait' | 'wait for' | 'claim' | 'say' | 'measure' }>
const COURSE_ACTIONS: readonly ActionName[] = [
  'wait',
  'wait for',
  'claim',
  'say',
  'measure',
] satisfies CourseStep['action'][]
export const isCourse = (step: Step): step is CourseStep => COURSE_ACTIONS.includes(step.action)

/** What these do is an event of its own: they do not begin, and are not done. */
const TELLS_ITSELF: readonly ActionName[] = ['say', 'measure', 'claim'] satisfies CourseStep['action'][]
const tellsItself = (step: Step) => TELLS_ITSELF.includes(step.action)

/** Without its time; of each kind by itself. */
type Unplaced<E> = E extends unknown ? Omit<E, 'at'> : never
