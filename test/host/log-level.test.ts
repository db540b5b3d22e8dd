import { expect, test } from 'vitest'
import { isDebugging, logLevelOf } from '../../src/host/log-level.ts'

test.each([
  [undefined, 'info'],
  ['', 'info'],
  ['debug', 'debug'],
  ['fatal', 'fatal'],
  ['DEBUG', undefined],
  ['silent', undefined],
])('TANIST_LOG=%s is the level %s', (text, level) => expect(logLevelOf(text)).toBe(level))

test('debug output is wanted at the levels debug and trace alone', () => {
  expect((['trace', 'debug', 'info', 'error'] as const).map(isDebugging)).toEqual([true, true, false, false])
})
