import { expect, test } from 'vitest'
import { delivered, dueAt, emptyQueue, next, put, type Queue, type QueueRules } from '../../src/notify/queue.ts'
import { millis, seconds } from '../../src/time.ts'

const RULES: QueueRules = { limit: 3, firstPause: seconds(1), longestPause: seconds(5), keepFor: seconds(100) }
const filled = (items: string): Queue<string> =>
  items.split('').reduce((queue, item) => put(queue, item, millis(0), RULES), emptyQueue as Queue<string>)

test('things leave in their order, one at a time', () => {
  const one = next(filled('ab'), millis(0), RULES)
  expect(one.send).toEqual({ item: 'a', dropped: 0 })
  expect(next(one.queue, millis(0), RULES).send).toBeUndefined()
  expect(dueAt(one.queue)).toBeUndefined()
  const two = delivered(one.queue, 'done', 0, millis(5), RULES)
  expect(next(two, millis(5), RULES).send).toEqual({ item: 'b', dropped: 0 })
})

test('a failure is tried again after pauses that double, up to a limit, and keeps its place', () => {
  let queue = filled('ab')
  const pauses: number[] = []
  for (let now = millis(0), i = 0; i < 5; i++) {
    const { queue: sending, send } = next(queue, now, RULES)
    expect(send?.item).toBe('a')
    queue = delivered(sending, 'later', 0, now, RULES)
    const due = dueAt(queue) ?? millis(-1)
    expect(next(queue, millis(due - 1), RULES).send).toBeUndefined()
    pauses.push(due - now)
    now = due
  }
  expect(pauses).toEqual([1000, 2000, 4000, 5000, 5000])
})

test('a success begins the pauses anew', () => {
  const failed = delivered(next(filled('ab'), millis(0), RULES).queue, 'later', 0, millis(0), RULES)
  const done = delivered(next(failed, seconds(1), RULES).queue, 'done', 0, seconds(1), RULES)
  expect(done).toMatchObject({ failures: 0, retryAt: undefined })
})

test('a full queue gives up the oldest one that is not on its way, and the next delivery says so once', () => {
  expect(next(filled('abcd'), millis(0), RULES).send).toEqual({ item: 'b', dropped: 1 })
  const sending = next(filled('abc'), millis(0), RULES).queue
  const more = put(put(sending, 'd', millis(0), RULES), 'e', millis(0), RULES)
  expect(more.waiting.map(({ item }) => item)).toEqual(['a', 'd', 'e'])
  const second = next(delivered(more, 'done', 0, millis(0), RULES), millis(0), RULES)
  expect(second.send).toEqual({ item: 'd', dropped: 2 })
  expect(next(delivered(second.queue, 'done', 2, millis(0), RULES), millis(0), RULES).send).toEqual({
    item: 'e',
    dropped: 0,
  })
})

test('what is refused for good, or too old, is given up and counted', () => {
  const refused = delivered(next(filled('ab'), millis(0), RULES).queue, 'never', 0, millis(0), RULES)
  expect(next(refused, millis(0), RULES).send).toEqual({ item: 'b', dropped: 1 })
  const late = put(filled('ab'), 'c', seconds(50), RULES)
  expect(next(late, seconds(100), RULES).send).toEqual({ item: 'c', dropped: 2 })
})
