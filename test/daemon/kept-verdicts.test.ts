import { existsSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import {
  type KeptVerdicts,
  readKeptVerdicts,
  VerdictKeeper,
  VERDICTS_HOLD,
} from '../../src/daemon/director/kept-verdicts.ts'
import { millis } from '../../src/time.ts'

const NAME = `tanist-${process.pid}-verdicts-test`
const PATH = `/run/tanist/${NAME}.verdicts.json`
const kept: KeptVerdicts = {
  verdicts: [{ id: 'a', up: false, reason: 'ECONNREFUSED', duration: millis(0.5), at: 1000, since: 900 }],
  quorums: { b: { up: false } },
}
const noFailure = (error: unknown) => {
  throw error
}

afterEach(() => rmSync(PATH, { force: true }))

const write = () => new VerdictKeeper(NAME, () => kept, noFailure).close()

test('what is known is there for the next one, for root alone, with its age', () => {
  write()
  expect(statSync(PATH).mode & 0o777).toBe(0o600)
  const found = readKeptVerdicts(NAME)
  expect(found).toMatchObject(kept)
  expect(found?.age).toBeLessThan(60_000)
  // Reading takes nothing away: the next one may be killed, too.
  expect(readKeptVerdicts(NAME)).toBeDefined()
})

test.each([
  ['too old', VERDICTS_HOLD + 1000],
  ['of the future', -60_000],
])('what is %s is not believed', (_what, age) => {
  write()
  const at = new Date(Date.now() - age)
  utimesSync(PATH, at, at)
  expect(readKeptVerdicts(NAME)).toBeUndefined()
})

test.each([
  ['torn', '{"format":1,"kept":'],
  ['of another format', '{"format":99,"kept":{}}'],
  ['of this format, and says nothing', '{"format":1,"kept":{}}'],
])('a file that is %s is none', (_what, text) => {
  writeFileSync(PATH, text)
  expect(readKeptVerdicts(NAME)).toBeUndefined()
})

test('a change is written about a second later, and many changes once', async () => {
  let asked = 0
  const keeper = new VerdictKeeper(
    NAME,
    () => {
      asked++
      return kept
    },
    noFailure,
  )
  for (let i = 0; i < 1000; i++) keeper.note()
  await expect.poll(() => existsSync(PATH), { timeout: 10_000 }).toBe(true)
  expect(asked).toBe(1)
  keeper.close()
})
