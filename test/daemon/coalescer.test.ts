import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Coalescer } from '../../src/daemon/director/coalescer.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

test('one request is met in the same turn, and all of a turn by one piece of work', async () => {
  let done = 0
  const work = new Coalescer(() => done++, 20)
  for (let i = 0; i < 100; i++) work.request()
  expect(done).toBe(0)
  await nextTurn()
  expect(done).toBe(1)
})

test('what comes within the gap is one piece of work at its end, and nothing is left out', async () => {
  const times: number[] = []
  const work = new Coalescer(() => times.push(performance.now()), 50)
  for (let i = 0; i < 200; i++) {
    work.request()
    await nextTurn()
  }
  const asked = times.length
  await sleep(200)
  expect(times.length).toBeLessThanOrEqual(asked + 1)
  for (const [i, at] of times.entries()) if (i > 0) expect(at - (times[i - 1] ?? 0)).toBeGreaterThan(45)
})

test('work that takes longer than the gap is followed by as long a pause', async () => {
  const begun: number[] = []
  const work = new Coalescer(() => {
    begun.push(performance.now())
    while (performance.now() - (begun.at(-1) ?? 0) < 60);
  }, 1)
  work.request()
  await nextTurn()
  work.request()
  await sleep(200)
  expect(begun).toHaveLength(2)
  expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThan(110)
})

test('a cancelled request is not met', async () => {
  let done = 0
  const work = new Coalescer(() => done++, 20)
  work.request()
  work.cancel()
  await nextTurn()
  expect(done).toBe(0)
})

test('who can wait does, and who cannot is not kept', async () => {
  let done = 0
  const work = new Coalescer(() => done++, 1)
  work.request(performance.now() + 60_000)
  await nextTurn()
  expect(done).toBe(0)
  work.request()
  await nextTurn()
  expect(done).toBe(1)
  work.request(performance.now() + 60_000)
  work.cancel()
})
