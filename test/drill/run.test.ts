import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginRun,
  nextMoment,
  type RunEffect,
  type RunEvent,
  type RunState,
  stepRun,
  type UndoHandle,
} from '../../src/drill/run.ts'
import type { Judgement } from '../../src/drill/recording.ts'
import { type Millis, millis } from '../../src/time.ts'
import { drillOf } from './recordings.ts'

const PROMISES = { takeover: millis(3800), handover: millis(100), detection: millis(2000) }
/** The driver's clock when a drill begins. */
const BEGIN = 1000

/** A run with its effects so far; `at` counts from its begin, as records do. */
class Run {
  readonly effects: RunEffect[] = []
  state: RunState
  now = BEGIN

  constructor(steps: readonly string[], claims: readonly string[] = [], limit?: Millis) {
    const { state, effects } = beginRun(drillOf(steps, claims), PROMISES, millis(BEGIN), limit)
    this.state = state
    this.effects.push(...effects)
  }

  at(at: number, ...events: readonly RunEvent[]): this {
    this.now = BEGIN + at
    for (const event of events) {
      const { state, effects } = stepRun(this.state, event, millis(this.now))
      this.state = state
      this.effects.push(...effects)
    }
    return this
  }

  of<T extends RunEffect['type']>(type: T): readonly Extract<RunEffect, { readonly type: T }>[] {
    return this.effects.filter((effect) => effect.type === type) as Extract<RunEffect, { readonly type: T }>[]
  }

  get acts(): readonly number[] {
    return this.of('act').map(({ step }) => step)
  }

  get undos(): readonly number[] {
    return this.of('undo').map(({ handle }) => handle.id)
  }

  get ending(): string | undefined {
    return this.of('finish')[0]?.ending
  }

  /** What was recorded: `1000 done 0`. */
  get records(): readonly string[] {
    return this.of('record').map(({ event }) =>
      [
        event.at,
        event.type,
        ...('step' in event ? [event.step] : []),
        ...('reason' in event ? [event.reason] : []),
      ].join(' '),
    )
  }
}

const undo = (id: number): UndoHandle => ({ id, text: `undo ${id}` })
const acted = (step: number, ...ids: readonly number[]): RunEvent => ({ type: 'acted', step, undos: ids.map(undo) })
const failed = (step: number, ...ids: readonly number[]): RunEvent => ({
  type: 'act-failed',
  step,
  reason: 'it broke',
  undos: ids.map(undo),
})
const undone = (id: number): RunEvent => ({ type: 'undone', isNews: true, id, failure: undefined })
const answered = (step: number, isSo: boolean): RunEvent => ({ type: 'answered', step, isSo })
const judgement = (holds: boolean): Judgement => ({ text: 'x', of: 'claim', holds, found: 'y' })
const judged = (id: number, holds = true): RunEvent => ({ type: 'judged', id, judgement: judgement(holds) })
const TICK: RunEvent = { type: 'tick' }
const INTERRUPT: RunEvent = { type: 'interrupt' }

describe('a run', () => {
  test('does its steps in their order, each when the one before is done', () => {
    const run = new Run(['stop: active', 'start: active'])
    expect(run.acts).toEqual([0])
    run.at(100, acted(0, 1))
    expect(run.acts).toEqual([0, 1])
    run.at(200, acted(1))
    expect(run.undos).toEqual([1])
    expect(run.ending).toBeUndefined()
    run.at(300, undone(1))
    expect(run.ending).toBe('finished')
    expect(run.records).toEqual(['0 begun 0', '100 done 0', '100 begun 1', '200 done 1', '300 undone'])
  })

  test('without steps and claims is finished at once', () => {
    expect(new Run([]).ending).toBe('finished')
  })

  test('undoes what is left, the last first, one after the other', () => {
    const run = new Run(['stop: active', 'separate: both']).at(100, acted(0, 1, 2), acted(1, 3))
    expect(run.undos).toEqual([3])
    run.at(200, undone(3))
    expect(run.undos).toEqual([3, 2])
    run.at(300, undone(1))
    expect(run.undos).toEqual([3, 2])
    run.at(300, undone(2), { type: 'undone', isNews: true, id: 1, failure: 'it does not start' })
    expect(run.ending).toBe('finished')
    expect(run.of('record').map(({ event }) => event)).toContainEqual({
      at: 300,
      type: 'undone',
      text: 'undo 1',
      failure: 'it does not start',
    })
  })

  test('waits as long as it is told', () => {
    const run = new Run(['wait: 2 s', 'stop: active'])
    expect(nextMoment(run.state)).toBe(BEGIN + 2000)
    expect(run.at(1999, TICK).acts).toEqual([])
    expect(run.at(2000, TICK).acts).toEqual([1])
  })

  test('writes sentences and parts down without waiting for anything', () => {
    const run = new Run(['say: hello', 'measure: the way back', 'stop: active'])
    expect(run.records).toEqual(['0 said', '0 part', '0 begun 2'])
  })
})

describe('a wait for something', () => {
  const run = () => new Run(['wait for: { master: standby, within: takeover + 1 s }', 'stop: active'])

  test('is over when it is so', () => {
    const so = run()
    expect(so.of('ask')).toMatchObject([{ step: 0, condition: { type: 'master' }, until: BEGIN + 4800 }])
    expect(so.at(100, answered(0, false)).acts).toEqual([])
    expect(so.at(200, answered(0, true)).acts).toEqual([1])
    expect(so.of('stop asking')).toHaveLength(1)
  })

  test('fails when it is not so in time, and no later answer counts', () => {
    const late = run().at(4800, answered(0, true))
    expect(late.acts).toEqual([])
    expect(late.ending).toBe('failed')
    expect(late.records).toEqual(['0 begun 0', '4800 failed 0 it was not so in time'])
    expect(run().at(4799, TICK).ending).toBeUndefined()
    expect(run().at(4800, TICK).ending).toBe('failed')
  })

  test('is not over by an answer of another step', () => {
    expect(run().at(100, answered(1, true)).acts).toEqual([])
  })
})

describe('claims', () => {
  test('among the steps are of the part until now, and the run goes on whatever they come to', () => {
    const run = new Run(['wait: 1 s', 'measure: x', 'wait: 1 s', 'claim: { lost: none }', 'stop: active'])
    run.at(1000, TICK).at(2000, TICK)
    expect(run.of('judge')).toMatchObject([{ claim: { type: 'lost' }, part: { from: 1000, to: 2000 } }])
    run.at(2100, judged(1, false))
    expect(run.of('record').map(({ event }) => event)).toContainEqual({
      at: 2100,
      type: 'judged',
      judgement: judgement(false),
    })
    expect(run.acts).toEqual([4])
  })

  test('of the drill are of all of it, before anything is undone', () => {
    const run = new Run(['stop: active', 'measure: x', 'wait: 1 s'], ['lost: none', 'outage: 1 s'])
    run.at(500, acted(0, 1)).at(1500, TICK)
    expect(run.of('judge')).toMatchObject([{ text: 'lost: none', part: { from: 0, to: 1500 } }])
    run.at(1600, judged(1))
    expect(run.of('judge')).toMatchObject([{}, { text: 'outage: 1 s', part: { from: 0, to: 1500 } }])
    expect(run.undos).toEqual([])
    run.at(1700, judged(1), judged(2, false))
    expect(run.undos).toEqual([1])
    expect(run.at(1800, undone(1)).ending).toBe('finished')
  })

  test('without an answer in time are not known', () => {
    const run = new Run([], ['lost: none']).at(30_000, TICK)
    expect(run.of('record')).toMatchObject([{ event: { type: 'judged', judgement: { holds: undefined } } }])
    expect(run.ending).toBe('finished')
  })

  test('do not take a late answer to another one for theirs', () => {
    const run = new Run([], ['lost: none', 'outage: 1 s']).at(30_000, TICK, judged(1))
    expect(run.ending).toBeUndefined()
    expect(run.at(30_001, judged(2)).ending).toBe('finished')
  })
})

describe('a failed step', () => {
  test('is the last one; what it has left is undone, and nothing more is claimed', () => {
    const run = new Run(['stop: active', 'separate: both', 'start: active'], ['lost: none'])
    run.at(100, acted(0, 1), failed(1, 2))
    expect(run.undos).toEqual([2])
    run.at(200, undone(2), undone(1))
    expect(run.undos).toEqual([2, 1])
    expect(run.acts).toEqual([0, 1])
    expect(run.of('judge')).toEqual([])
    expect(run.ending).toBe('failed')
    expect(run.records).toContain('100 failed 1 it broke')
  })
})

describe.each([
  ['an interruption', INTERRUPT, 'interrupted'],
  ['a lost place', { type: 'lost', place: 'director1' }, 'lost connection'],
  ['a time limit', { type: 'time-limit' }, 'time limit'],
] as const)('%s', (_, event, ending) => {
  test.each([
    ['a wait', 'wait: 9 s'],
    ['a wait for something', 'wait for: { master: standby }'],
    ['a claim', 'claim: { lost: none }'],
  ])('ends %s at once', (_, step) => {
    const run = new Run(['stop: active', step, 'start: active'], ['lost: none']).at(100, acted(0, 1)).at(200, event)
    expect(run.undos).toEqual([1])
    expect(run.at(300, judged(1), answered(1, true), undone(1)).ending).toBe(ending)
    expect(run.acts).toEqual([0])
    expect(run.of('judge').length).toBeLessThan(2)
    expect(run.records.some((record) => record.startsWith('200 failed 1'))).toBe(true)
    expect(run.of('ask')).toHaveLength(run.of('stop asking').length)
  })

  test('waits for the step that is being done, and undoes what it leaves', () => {
    const run = new Run(['stop: active', 'start: active']).at(100, event)
    expect(run.of('finish')).toEqual([])
    run.at(200, acted(0, 1))
    expect(run.undos).toEqual([1])
    expect(run.at(300, undone(1)).ending).toBe(ending)
    expect(run.acts).toEqual([0])
  })

  test('does not wait for ever: what comes later is undone then', () => {
    const run = new Run(['stop: active', 'separate: both']).at(100, acted(0, 1)).at(200, event)
    expect(nextMoment(run.state)).toBe(BEGIN + 10_200)
    run.at(10_200, TICK)
    expect(run.undos).toEqual([1])
    run.at(10_300, acted(1, 2, 3), undone(1), undone(3), undone(2))
    expect(run.undos).toEqual([1, 3, 2])
    expect(run.ending).toBe(ending)
  })

  test('is undone, too, what a step leaves when all is over', () => {
    const run = new Run(['stop: active']).at(200, event).at(10_200, TICK)
    expect(run.ending).toBe(ending)
    run.at(20_000, acted(0, 1, 2), acted(0, 1, 2))
    expect(run.undos).toEqual([2, 1])
    expect(run.of('finish')).toHaveLength(1)
  })

  test('skips no undo, and changes no ending that is decided', () => {
    const run = new Run(['stop: active', 'separate: both', 'wait: 1 s'])
    run.at(100, acted(0, 1), acted(1, 2)).at(200, INTERRUPT, event, event)
    expect(run.undos).toEqual([2])
    run.at(300, event, undone(2), event, undone(1))
    expect(run.undos).toEqual([2, 1])
    expect(run.ending).toBe('interrupted')
  })
})

describe('time', () => {
  test('has a limit for the whole drill, of two minutes or what is said', () => {
    expect(nextMoment(new Run(['stop: active']).state)).toBe(BEGIN + 120_000)
    const run = new Run(['wait: 100 s'], [], millis(5000))
    expect(nextMoment(run.state)).toBe(BEGIN + 5000)
    expect(run.at(4999, TICK).ending).toBeUndefined()
    expect(run.at(5000, TICK).ending).toBe('time limit')
    expect(run.records).toEqual(['0 begun 0', '5000 failed 0 the drill takes longer than 5 s'])
    expect(nextMoment(run.state)).toBeUndefined()
  })

  test('does not stop an undo that never ends from being the last', () => {
    const run = new Run(['stop: active', 'separate: both']).at(100, acted(0, 1), acted(1, 2))
    run.at(70_100, TICK)
    expect(run.undos).toEqual([2, 1])
    expect(run.at(70_200, undone(2)).of('finish')).toEqual([])
    expect(run.at(70_300, undone(1)).ending).toBe('finished')
  })
})

describe('whatever happens in whatever order', () => {
  const STEPS = [
    'stop: active',
    'wait: 1 s',
    'wait for: { master: standby, within: 2 s }',
    'claim: { lost: none }',
    'measure: x',
    'say: x',
    'separate: both',
  ]
  /** What the driver does next, as numbers, so that a failure shrinks. */
  const choice = fc.record({ pick: fc.nat(20), passes: fc.nat(4000), handles: fc.nat(3) })

  test('every undo is carried out exactly once, nothing follows a failure, and it ends', () => {
    const property = fc.property(
      fc.array(fc.constantFrom(...STEPS), { maxLength: 8 }),
      fc.array(fc.constantFrom('lost: none', 'outage: 1 s'), { maxLength: 2 }),
      fc.array(choice, { maxLength: 60 }),
      (steps, claims, choices) => {
        const run = new Run(steps, claims, millis(20_000))
        const left: number[] = []
        let nextHandle = 1
        let at = 0
        let hasFailed = false
        /** Acts that have not been answered. */
        const pending = () => run.acts.filter((step) => !told.has(step))
        const told = new Set<number>()
        const answer = (step: number, handles: number, isGood: boolean) => {
          told.add(step)
          const ids = Array.from({ length: handles }, () => nextHandle++)
          left.push(...ids)
          run.at(at, isGood ? acted(step, ...ids) : failed(step, ...ids))
        }
        for (const { pick, passes, handles } of choices) {
          at += passes
          const actsBefore = run.acts.length
          const judgesBefore = run.of('judge').length
          const [step] = pending()
          const ask = run.of('ask').at(-1)
          const judge = run.of('judge').at(-1)
          const last = run.undos.at(-1)
          if (pick < 8 && step !== undefined) answer(step, handles, pick < 7)
          else if (pick < 11 && ask !== undefined) run.at(at, answered(ask.step, pick < 10))
          else if (pick < 14 && judge !== undefined) run.at(at, judged(judge.id, pick < 13))
          else if (pick < 16 && last !== undefined) run.at(at, undone(last))
          else if (pick === 16) run.at(at, INTERRUPT)
          else if (pick === 17) run.at(at, { type: 'lost', place: 'x' })
          else if (pick === 18) run.at(at, { type: 'time-limit' })
          else run.at(at, TICK)
          if (hasFailed) {
            expect(run.acts).toHaveLength(actsBefore)
            expect(run.of('judge')).toHaveLength(judgesBefore)
          }
          hasFailed ||= run.records.some((record) => record.includes(' failed '))
        }
        // The driver answers all, at once or never: then time does. BOUNDED by the waits of each step.
        for (let i = 0; i < 200 && run.ending === undefined; i++) {
          at = Math.max(at, (nextMoment(run.state) ?? at + BEGIN) - BEGIN)
          run.at(at, TICK)
        }
        expect(run.ending).toBeDefined()
        for (const step of pending()) answer(step, 2, true)
        expect(run.undos.toSorted((a, b) => a - b)).toEqual(left)
        expect(run.of('finish')).toHaveLength(1)
        const begun = run.records.filter((record) => record.includes(' begun '))
        const over = run.records.filter((record) => / (done|failed) /.test(record))
        // A claim that was being judged at the end has not begun.
        const cut = over.filter((record) => steps[Number(record.split(' ')[2])]?.startsWith('claim'))
        expect(cut.length).toBeLessThan(2)
        expect(over).toHaveLength(begun.length + cut.length)
      },
    )
    fc.assert(property, { numRuns: 500 })
  })

  test('what was left first is undone last', () => {
    const property = fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }), (counts) => {
      const run = new Run(counts.map(() => 'separate: both'))
      let next = 1
      for (const [step, count] of counts.entries()) {
        run.at(step, acted(step, ...Array.from({ length: count }, () => next++)))
      }
      for (let i = 0; i < 30 && run.ending === undefined; i++) run.at(1000 + i, undone(run.undos.at(-1) ?? 0))
      expect(run.ending).toBe('finished')
      expect(run.undos).toEqual(Array.from({ length: next - 1 }, (_, i) => next - 1 - i))
    })
    fc.assert(property)
  })
})
