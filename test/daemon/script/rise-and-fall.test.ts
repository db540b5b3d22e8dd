import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterRun, untried } from '../../../src/daemon/script/rise-and-fall.ts'

/** What is known after each run, one letter each: `g` and `b`. */
function known(runs: string, rise: number, fall: number, initFail = false): string {
  let state = untried({ initFail })
  return Array.from(runs)
    .map((run) => {
      state = afterRun({ rise, fall }, state, run === 'g')
      return state.good === true ? 'g' : 'b'
    })
    .join('')
}

test.each([
  ['the first success decides at once', 'g', 'g', 3, 3],
  ['the first failure decides at once', 'b', 'b', 3, 3],
  ['failures in a row', 'gbbbb', 'gggbb', 1, 3],
  ['a success between them', 'gbbgbb', 'gggggg', 1, 3],
  ['successes in a row', 'bgggg', 'bbbgg', 3, 1],
  ['a failure between them', 'bggbggg', 'bbbbbbg', 3, 1],
  ['one is enough', 'gbgb', 'gbgb', 1, 1],
])('%s', (_, runs, expected, rise, fall) => expect(known(runs, rise, fall)).toBe(expected))

test('the first success decides at once behind init_fail, too', () => {
  expect(untried({ initFail: true }).good).toBe(false)
  expect(untried({ initFail: false }).good).toBeUndefined()
  expect(known('gbbb', 3, 3, true)).toBe('gggb')
})

test('it changes by exactly so many runs in a row that say the opposite', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('g', 'b'), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (runs, rise, fall) => {
        const after = known(runs.join(''), rise, fall)
        for (let i = 1; i < runs.length; i++) {
          const need = after[i - 1] === 'g' ? fall : rise
          const row = runs.slice(Math.max(0, i + 1 - need), i + 1)
          const turned = row.length === need && row.every((run) => run !== after[i - 1])
          expect(after[i] !== after[i - 1]).toBe(turned)
        }
      },
    ),
  )
})
