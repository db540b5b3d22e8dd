import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  firstStanding,
  isEnough,
  type QuorumEvent,
  type Standing,
  stepQuorum,
} from '../../../../src/daemon/script/watch/quorum.ts'
import { after, millis } from '../../../../src/time.ts'

const tracker = { quorum: 1, quorumMax: undefined, terminateDelay: millis(100), forkDelay: millis(50) }
const count = (number: number, cause: 'fork' | 'exit' | 'itself'): QuorumEvent => ({
  type: 'count',
  count: number,
  cause,
})
const at = (now: number) => millis(now)
const time: QuorumEvent = { type: 'time' }

function play(
  state: Standing,
  steps: readonly (readonly [number, QuorumEvent])[],
  of: typeof tracker = tracker,
): Standing {
  return steps.reduce((standing, [now, event]) => stepQuorum(of, standing, event, at(now)), state)
}

describe('a quorum of processes', () => {
  test('is what it is at the beginning, without a delay', () => {
    expect(firstStanding(tracker, 0)).toStrictEqual({ count: 0, good: false, due: undefined })
    expect(firstStanding(tracker, 1).good).toBe(true)
  })

  test('is lost when the end of a process has lasted as long as its delay', () => {
    const lost = play(firstStanding(tracker, 1), [[10, count(0, 'exit')]])
    expect(lost).toStrictEqual({ count: 0, good: true, due: 110 })
    expect(play(lost, [[109, time]]).good).toBe(true)
    expect(play(lost, [[110, time]])).toStrictEqual({ count: 0, good: false, due: undefined })
  })

  test('is not lost by a process that is replaced in that time', () => {
    const replaced = play(firstStanding(tracker, 1), [
      [10, count(0, 'exit')],
      [90, count(1, 'itself')],
      [110, time],
    ])
    expect(replaced).toStrictEqual({ count: 1, good: true, due: undefined })
  })

  test('is gained at once by a program that starts, and late by a fork, which may become another program', () => {
    expect(play(firstStanding(tracker, 0), [[10, count(1, 'itself')]]).good).toBe(true)
    const two = { ...tracker, quorum: 2 }
    const forked = stepQuorum(two, firstStanding(two, 1), count(2, 'fork'), at(10))
    expect(forked).toStrictEqual({ count: 2, good: false, due: 60 })
    expect(stepQuorum(two, forked, count(1, 'itself'), at(20))).toStrictEqual({ count: 1, good: false, due: undefined })
  })

  test('is lost by too many processes, too', () => {
    const one = { quorum: 1, quorumMax: 1, terminateDelay: millis(0), forkDelay: millis(50) }
    const forked = stepQuorum(one, firstStanding(one, 1), count(2, 'fork'), at(0))
    expect(forked).toStrictEqual({ count: 2, good: true, due: 50 })
    const tooMany = stepQuorum(one, forked, time, at(50))
    expect(tooMany.good).toBe(false)
    expect(stepQuorum(one, tooMany, count(1, 'exit'), at(60)).good).toBe(true)
  })

  test('of none is lost by any', () => {
    const none = { quorum: 0, quorumMax: 0, terminateDelay: millis(0), forkDelay: millis(0) }
    expect(firstStanding(none, 0).good).toBe(true)
    expect(stepQuorum(none, firstStanding(none, 0), count(1, 'itself'), at(0)).good).toBe(false)
  })

  test('never says for longer than its longest delay what the count does not say', () => {
    const events = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom('fork', 'exit', 'itself'),
      ),
      { maxLength: 40 },
    )
    const trackers = fc.record({
      quorum: fc.integer({ min: 0, max: 3 }),
      quorumMax: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
      terminateDelay: fc.integer({ min: 0, max: 100 }).map(millis),
      forkDelay: fc.integer({ min: 0, max: 100 }).map(millis),
    })
    fc.assert(
      fc.property(trackers, events, (tracker, steps) => {
        let standing = firstStanding(tracker, 0)
        let now = at(0)
        let wrongSince: number | undefined
        for (const [pause, number, cause] of steps) {
          // The driver wakes it when something is due.
          const until = after(now, millis(pause))
          if (standing.due !== undefined && standing.due <= until)
            standing = stepQuorum(tracker, standing, time, standing.due)
          if (standing.due === undefined) wrongSince = undefined
          now = until
          standing = stepQuorum(tracker, standing, count(number, cause), now)
          const agrees = isEnough(tracker, number) === standing.good
          expect(standing.count).toBe(number)
          expect(standing.due === undefined).toBe(agrees)
          wrongSince = agrees ? undefined : (wrongSince ?? now)
          const longest = Math.max(tracker.terminateDelay, tracker.forkDelay)
          if (wrongSince !== undefined && standing.due !== undefined)
            expect(standing.due - wrongSince).toBeLessThanOrEqual(longest)
        }
      }),
    )
  })
})
