import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CommandRun } from '../../../src/daemon/messages.ts'
import { Commands } from '../../../src/daemon/script/command.ts'
import { MOST_RUNNING, MOST_WAITING, Queues } from '../../../src/daemon/script/queues.ts'
import { until } from '../../support/lab.ts'

const commands = new Commands({ user: undefined, secure: false, supplementaryGroups: false }, undefined, () => {})
let folder: string
let ran: CommandRun[]
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-queues-'))
  ran = []
  said = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const LIMIT_MS = 400
const queues = () =>
  new Queues(
    {
      ran: (run) => ran.push(run),
      overflowed: (queue) => said.push(`${queue} overflowed`),
      caughtUp: (queue, dropped) => said.push(`${queue} dropped ${dropped}`),
    },
    LIMIT_MS,
  )
const order = (queue: string, ...argv: string[]) => ({
  queue,
  command: { argv, user: undefined, group: undefined },
  args: [],
})
const ENDED = 'killed by SIGTERM after 400 ms, because others wait for it'

test('a command that nobody waits for takes its time, and is ended when one waits for longer than the limit', async () => {
  const all = queues()
  all.add(order('a', 'sleep', '1'), commands)
  await until('it has ended', () => ran.length === 1)
  expect(ran[0]).toMatchObject({ end: 'exit status 0', good: true })
  all.add(order('a', 'sleep', '1000'), commands)
  all.add(order('a', 'true'), commands)
  await until('both have ended', () => ran.length === 3)
  expect(ran.map(({ end }) => end).slice(1)).toEqual([ENDED, 'exit status 0'])
})

test('queues do not wait for each other', async () => {
  const all = queues()
  all.add(order('a', 'sleep', '1000'), commands)
  all.add(order('b', 'true'), commands)
  await until('the other one has ended', () => ran.length === 1)
  expect(ran[0]?.queue).toBe('b')
  await all.finish(0)
  expect(ran[1]?.end).toBe('killed by SIGTERM after the time that there was for it at the stop')
})

test('when all places are taken, who has one for longer than the limit gives it up', async () => {
  const all = queues()
  for (let i = 0; i < MOST_RUNNING; i++) all.add(order(`hanging ${i}`, 'sleep', '1000'), commands)
  const started = performance.now()
  all.add(order('next', 'true'), commands)
  await until('the next one has run', () => ran.some(({ queue }) => queue === 'next'))
  expect(performance.now() - started).toBeGreaterThan(LIMIT_MS - 50)
  await all.finish(0)
  expect(ran).toHaveLength(MOST_RUNNING + 1)
})

test('of too many that wait the newest are run, in their order', async () => {
  const all = queues()
  const count = 3 * MOST_WAITING
  for (let i = 0; i < count; i++) all.add(order('a', 'sh', '-c', `echo ${i} >> ${folder}/told`), commands)
  await all.finish(60_000)
  const newest = Array.from({ length: MOST_WAITING }, (_, i) => count - MOST_WAITING + i)
  expect(readFileSync(`${folder}/told`, 'utf8')).toBe([0, ...newest].map((i) => `${i}\n`).join(''))
  expect(said).toEqual(['a overflowed', `a dropped ${count - MOST_WAITING - 1}`])
})

test('a finish without anything to do is over at once', async () => {
  await queues().finish(60_000)
})
