import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPlace } from '../../src/lab/connect.ts'
import { LogPipe } from '../../src/lab/daemons/log-pipe.ts'
import type { Place } from '../../src/lab/place.ts'
import { until } from '../support/lab.ts'

let folder: string
let place: Place

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-log-pipe-'))
  place = await connectPlace('here', [])
})
afterAll(async () => {
  await place.close()
  rmSync(folder, { recursive: true })
})

test('a log that is blocked takes nothing more at once, loses nothing, and has no blanks in it afterwards', async () => {
  const log = join(folder, 'log')
  const pipe = new LogPipe(place, log)
  const path = await pipe.open()
  expect(await pipe.open()).toBe(path)
  const logged = () => readFileSync(log, 'utf8')
  // A daemon that is started again opens it again.
  for (const line of ['one\n', 'two\n']) await place.start(['printf', line], { log: path })
  await until('both lines to be there', () => logged().includes('one\n') && logged().includes('two\n'))

  const { handle } = await place.act({ text: 'block', ...pipe.blocking })
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  expect(() => writeSync(writer, 'three\n')).toThrow('EAGAIN')
  expect(await place.undo(handle)).toMatchObject({ status: 0 })
  await until('there to be room again', () => {
    try {
      return writeSync(writer, 'four\n') > 0
    } catch {
      return false
    }
  })
  closeSync(writer)
  await until('the last line', () => logged().includes('four\n'))
  expect(logged().split('\n').toSorted()).toEqual(['', 'four', 'one', 'two'])
})
