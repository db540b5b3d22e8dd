import { expect, test, vi } from 'vitest'
import type { Answer } from '../../src/check/health.ts'
import { CheckRunner } from '../../src/check/runner.ts'
import type { Outcome } from '../../src/check/schedule.ts'
import { millis } from '../../src/time.ts'
import { until } from '../support/lab.ts'

const timing = { warmup: millis(0), delayLoop: millis(10), retry: 1, delayBeforeRetry: millis(5) }
const good: Answer = { up: true, reason: 'connected', duration: millis(1) }
const bad: Answer = { up: false, reason: 'ECONNREFUSED', duration: millis(1) }

/** Answers as they are to come, and what becomes of them. */
function run(answers: readonly (Answer | Promise<Answer>)[], was?: 'up' | 'down', stopsAfter = Infinity) {
  const outcomes: Outcome[] = []
  const seen = { asked: 0, outcomes }
  const ask = async () => (await answers[seen.asked++]) ?? good
  const take = (outcome: Outcome) => {
    if (outcomes.push(outcome) === stopsAfter) runner.stop()
  }
  const runner = new CheckRunner(timing, ask, take, was)
  return { runner, seen }
}

/** Others go on meanwhile. */
async function someRounds(): Promise<void> {
  const { seen } = run([], undefined, 5)
  await until('another one to have had its rounds', () => seen.outcomes.length === 5)
}

test('a round goes on until a success, or until it has no retries left', async () => {
  const { seen } = run([bad, good, bad, bad, good], 'up', 3)
  await until('three rounds', () => seen.outcomes.length === 3)
  expect(seen.outcomes.map(({ up }) => up)).toEqual([true, false, true])
  expect(seen.asked).toBe(5)
})

test('stopped after a round it does not ask any more', async () => {
  const { seen } = run([good], undefined, 1)
  await someRounds()
  expect(seen).toMatchObject({ asked: 1, outcomes: [good] })
})

test('stopped while an answer is under way it reports nothing, and does not ask any more', async () => {
  const late = Promise.withResolvers<Answer>()
  const { runner, seen } = run([late.promise])
  await until('the first question', () => seen.asked === 1)
  runner.stop()
  late.resolve(bad)
  await someRounds()
  expect(seen).toMatchObject({ asked: 1, outcomes: [] })
})

test('a round that was slow once moves the next one by a quarter of the pause at most, and a failed one takes its time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  try {
    /** How long each answer takes, and whether it is good. */
    const answers = [
      [10, true],
      [10, true],
      [110, true],
      [10, true],
      [900, true],
      [500, false],
      [10, true],
    ] as const
    const begun: number[] = []
    const first = performance.now()
    const ask = async () => {
      const [took = 10, isGood = true] = answers[begun.push(performance.now() - first) - 1] ?? []
      await new Promise((resolve) => setTimeout(resolve, took))
      return isGood ? good : bad
    }
    const runner = new CheckRunner({ ...timing, delayLoop: millis(1000), retry: 0 }, ask, () => {})
    await vi.advanceTimersByTimeAsync(9000)
    runner.stop()
    const pauses = begun.slice(1).map((at, i) => Math.round(at - (begun[i] ?? 0) - (answers[i]?.[0] ?? 10)))
    expect(pauses.slice(0, 7)).toEqual([1000, 1000, 901, 1000, 750, 1000, 1000])
  } finally {
    vi.useRealTimers()
  }
})
