import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Checked, noPanic, type PanicState, stepPanic } from '../../src/balance/panic.ts'
import { millis, seconds } from '../../src/time.ts'

const rule = { percent: 50, within: seconds(10) }

/** `a b- c?` is a server that is up, one that is down, and one that nobody has asked. */
const servers = (text: string): Checked[] =>
  text.split(' ').map((word) => ({
    name: word.replace(/[-?]$/, ''),
    up: !word.endsWith('-'),
    isKnown: !word.endsWith('?'),
  }))

/** What is held after each of these, which come at a time in seconds. */
function story(...steps: readonly (readonly [at: number, servers: string])[]): string[] {
  let state: PanicState = noPanic
  return steps.map(([at, text]) => {
    state = stepPanic(rule, state, servers(text), seconds(at))
    return `${state.isPanicking ? 'panic' : 'calm'} ${[...state.held].toSorted().join('')}`.trim()
  })
}

describe('panic', () => {
  test('begins with one failure more than may be, and puts back those that came just before', () => {
    expect(story([0, 'a b c d'], [1, 'a- b c d'], [2, 'a- b- c d'], [3, 'a- b- c- d'])).toEqual([
      'calm',
      'calm',
      'calm',
      'panic abc',
    ])
  })

  test('holds each that fails from then on, and lets go who is back', () => {
    expect(story([0, 'a b c d'], [1, 'a- b- c- d'], [2, 'a- b- c- d-'], [3, 'a b- c- d-'])).toEqual([
      'calm',
      'panic abc',
      'panic abcd',
      'panic bcd',
    ])
  })

  test('ends when enough are back: the rest is down', () => {
    expect(story([0, 'a b c d'], [1, 'a- b- c- d'], [2, 'a b- c- d'], [3, 'a b- c- d'])).toEqual([
      'calm',
      'panic abc',
      'calm',
      'calm',
    ])
  })

  test('does not come of failures that are far apart, nor of servers that were never up', () => {
    expect(story([0, 'a b c'], [1, 'a- b c'], [20, 'a- b- c'], [40, 'a- b- c-'])).toEqual([
      'calm',
      'calm',
      'calm',
      'calm',
    ])
    expect(story([0, 'a? b? c?'], [1, 'a- b- c-'], [2, 'a- b- c-'])).toEqual(['calm', 'calm', 'calm'])
  })

  test('never holds who is up or was never up, holds nobody in calm, and begins above the threshold only', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const round = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(12_000), round), { maxLength: 40 }),
        fc.integer({ min: 1, max: 99 }),
        (rounds, percent) => {
          let state: PanicState = noPanic
          let now = 0
          const everUp = new Set<string>()
          for (const [after, ups] of rounds) {
            now += after
            const all = names.map((name, i) => ({ name, up: ups[i] === true, isKnown: true }))
            const next = stepPanic({ percent, within: seconds(10) }, state, all, millis(now))
            for (const { name, up } of all) {
              if (up) everUp.add(name)
              if (next.held.has(name)) expect(up || !everUp.has(name)).toBe(false)
            }
            expect(next.held.size > 0).toBe(next.isPanicking)
            if (next.isPanicking) expect(next.held.size * 100).toBeGreaterThan(percent * names.length)
            expect(next.failedAt.size).toBeLessThanOrEqual(names.length)
            state = next
          }
        },
      ),
    )
  })
})
