import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { keepState, type KeptState, takeKeptState } from '../../src/daemon/director/kept-state.ts'
import { millis, seconds } from '../../src/time.ts'

const NAME = `tanist-${process.pid}-test`
const PATH = `/run/tanist/${NAME}.state.json`
const state: KeptState = {
  verdicts: [
    {
      id: 'a',
      up: false,
      reason: 'ECONNREFUSED',
      duration: millis(0.5),
      at: 1_767_225_600_500,
      since: 1_767_225_600_000,
    },
  ],
  quorums: { b: { up: false } },
  zeros: {
    service: [],
    dest: [[3, { connections: '1', inPackets: '2', outPackets: '3', inBytes: '18446744073709551615', outBytes: '5' }]],
  },
  replaced: undefined,
}

afterEach(() => rmSync(PATH, { force: true }))

test('is there once, as it was, for root alone', () => {
  keepState(NAME, state, seconds(60))
  expect(statSync(PATH).mode & 0o777).toBe(0o600)
  expect(takeKeptState(NAME)).toEqual(state)
  expect(takeKeptState(NAME)).toBeUndefined()
})

test('the last one counts', () => {
  keepState(NAME, { ...state, verdicts: [] }, seconds(60))
  keepState(NAME, state, seconds(60))
  expect(takeKeptState(NAME)).toEqual(state)
})

test.each([
  ['too old', () => keepState(NAME, state, millis(-1))],
  ['no JSON', () => writeFileSync(PATH, '{"format":1')],
  [
    'another format',
    () => writeFileSync(PATH, JSON.stringify({ format: 0, untilNs: '9'.repeat(18), until: '2100', state })),
  ],
  [
    'of a clock that was set back',
    () => writeFileSync(PATH, JSON.stringify({ format: 1, untilNs: '9'.repeat(18), until: '2000', state })),
  ],
])('is ignored and removed when it is %s', (_name, write) => {
  keepState(NAME, state, seconds(60))
  write()
  expect(takeKeptState(NAME)).toBeUndefined()
  expect(existsSync(PATH)).toBe(false)
})
