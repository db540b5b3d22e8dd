import { describe, expect, test } from 'vitest'
import { commandBytes, matcherOf } from '../../../../src/daemon/script/watch/process-match.ts'
import type { ProcessTracker } from '../../../../src/model/tracking.ts'
import { millis } from '../../../../src/time.ts'

function tracker(command: readonly string[], parameters?: ProcessTracker['parameters']): ProcessTracker {
  return {
    name: 'p',
    command,
    parameters: parameters ?? 'ignored',
    fullCommand: parameters !== undefined,
    quorum: 1,
    quorumMax: undefined,
    terminateDelay: millis(0),
    forkDelay: millis(0),
  }
}

const process = (name: string, ...words: string[]) => ({ name, commandLine: words.map((word) => `${word}\0`).join('') })

describe('by its name', () => {
  test('a process is found, whatever its command line', () => {
    const matches = matcherOf(tracker(['haproxy']))
    expect(matches(process('haproxy', '/usr/sbin/other', '-x'))).toBe(true)
    expect(matches(process('haproxy2', 'haproxy'))).toBe(false)
    expect(matches(process('Haproxy'))).toBe(false)
  })

  test('what the kernel leaves of a longer name is compared', () => {
    const matches = matcherOf(tracker(['a-name-of-nineteen-']))
    expect(matches(process('a-name-of-ninet'))).toBe(true)
    expect(matches(process('a-name-of-nine'))).toBe(false)
  })

  test('a character of several bytes may be cut', () => {
    const bytes = (text: string) => Buffer.from(text).toString('latin1')
    expect(matcherOf(tracker(['fünfzehn-zeiché']))(process(bytes('fünfzehn-zeiché').slice(0, 15)))).toBe(true)
  })
})

describe('by its command line', () => {
  const program = '/usr/sbin/p'
  test.each([
    ['ignored', [program], [[program], [program, '-x']], [['/usr/sbin/p2'], ['p'], []]],
    [
      'equal',
      [program],
      [[program]],
      [
        [program, '-x'],
        [program, ''],
      ],
    ],
    [
      'equal',
      [program, '-a', 'b c'],
      [[program, '-a', 'b c']],
      [
        [program, '-a'],
        [program, '-a', 'b', 'c'],
        [program, '-a', 'b c', ''],
      ],
    ],
    [
      'partial',
      [program, '-a'],
      [
        [program, '-a'],
        [program, '-a', 'more'],
      ],
      [[program, '-ab'], [program], [program, 'x', '-a']],
    ],
    ['partial', [program], [[program], [program, 'more']], [['/usr/sbin/p2']]],
    [
      'initial',
      [program, '-a', '-b'],
      [
        [program, '-a', '-b'],
        [program, '-a', '-bc'],
        [program, '-a', '-b', 'more'],
      ],
      [
        [program, '-ax', '-b'],
        [program, '-a'],
      ],
    ],
    ['initial', [program], [[program], [program, 'more']], [['/usr/sbin/p2']]],
  ] as const)('parameters that are %s: %j', (parameters, command, good, bad) => {
    const matches = matcherOf(tracker(command, parameters))
    for (const line of good) expect([line, matches(process('any', ...line))]).toStrictEqual([line, true])
    for (const line of bad) expect([line, matches(process('any', ...line))]).toStrictEqual([line, false])
  })

  test('a title that a process has written over it is found', () => {
    const matches = matcherOf(tracker(['nginx: master process nginx'], 'ignored'))
    expect(matches({ name: 'nginx', commandLine: 'nginx: master process nginx' })).toBe(true)
    expect(matches({ name: 'nginx', commandLine: 'nginx: master process nginx\0\0\0' })).toBe(true)
    expect(matches({ name: 'nginx', commandLine: 'nginx: master process nginx -c' })).toBe(false)
  })

  test('one byte more than is compared is read, and none where only names count', () => {
    expect(commandBytes([tracker(['p']), tracker(['/p', 'é'], 'equal')])).toBe('/p'.length + 1 + 2 + 1 + 1)
    expect(commandBytes([tracker(['p'])])).toBe(0)
  })
})
