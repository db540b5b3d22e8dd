import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { CheckedServer } from '../../../src/control/check-now.ts'
import { ChecksNow, type ChecksNowContext } from '../../../src/daemon/director/checks-now.ts'
import { Questions } from '../../../src/daemon/director/questions.ts'
import type { Asked } from '../../../src/model/asked.ts'
import { millis } from '../../../src/time.ts'
import { surroundings } from '../../support/surroundings.ts'

const good: Asked = { up: true, reason: 'connected', duration: millis(1), steps: [] }

/** So many virtual servers with one real server each, of one TCP_CHECK. */
function configOf(services: number) {
  const service = (_: unknown, i: number) => `virtual_server 10.0.0.100 ${i + 1} {
  protocol TCP
  real_server 10.0.0.11 80 {
    TCP_CHECK {
    }
  }
}`
  const text = Array.from({ length: services }, service).join('\n')
  return loadConfig({ name: 'x', text }, surroundings()).config ?? expect.unreachable()
}

/** Asks one after the other as `free` lets them. */
function asking(services: number) {
  const config = configOf(services)
  let now = 0
  let most = 0
  const waiting: (() => void)[] = []
  const context: ChecksNowContext = {
    config: () => config,
    async network() {
      most = Math.max(most, ++now)
      await new Promise<void>((resolve) => waiting.push(resolve))
      now--
      return good
    },
    command: () => Promise.reject(new Error('there is no command')),
    tracked: () => good,
  }
  return { checks: new ChecksNow(context), waiting, most: () => most }
}

test('at most 16 ask at a time, also for several who want to see it, and none is left out', async () => {
  const { checks, waiting, most } = asking(40)
  const both = [undefined, '10.0.0.100:3'].map(async (service) => await checks.ask({ service, server: '10.0.0.11' }))
  const all = Promise.all(both)
  let asked = 0
  for (; asked < 41; asked++) {
    await expect.poll(() => waiting.length).toBeGreaterThan(0)
    waiting.shift()?.()
  }
  const servers: CheckedServer[] = (await all).flatMap((answer) => ('servers' in answer ? answer.servers : []))
  expect(servers.map(({ service }) => service)).toEqual([
    ...Array.from({ length: 40 }, (_, i) => `[10.0.0.100]:tcp:${i + 1}`),
    '[10.0.0.100]:tcp:3',
  ])
  expect(servers.every(({ checks: [first] }) => first?.checker === 'TCP_CHECK' && first.up)).toBe(true)
  expect(most()).toBe(16)
  // Afterwards there is room again.
  const again = checks.ask({ service: '10.0.0.100:1', server: '10.0.0.11' })
  await expect.poll(() => waiting.length).toBe(1)
  waiting.shift()?.()
  expect(await again).toMatchObject({ servers: [{ checks: [good] }] })
})

test('who asks for too many at once asks nobody', async () => {
  const { checks, waiting } = asking(257)
  expect(await checks.ask({ service: undefined, server: '10.0.0.11' })).toEqual({
    failure: 'these are 257 checkers, too many at once: name the virtual server, or try again later',
  })
  expect(waiting).toEqual([])
})

test('a question has one answer: its own, that nobody answers, or that the process has ended', async () => {
  const questions = new Questions()
  const sent: number[] = []
  const ask = async (patience: number) => await questions.ask((number) => sent.push(number), millis(patience))
  const [first, second, third] = [ask(60_000), ask(60_000), ask(10)]
  questions.answered(2, good)
  questions.answered(2, { ...good, reason: 'again' })
  questions.answered(99, good)
  expect(await second).toBe(good)
  expect(await third).toMatchObject({ up: undefined, reason: 'no answer of the process that asks' })
  questions.lost()
  expect(await first).toMatchObject({ up: undefined, reason: 'the process that asks has ended' })
  expect(sent).toEqual([1, 2, 3])
})
