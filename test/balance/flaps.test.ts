import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FlapState, goodUntil, noFlaps, stepFlaps, type Watched } from '../../src/balance/flaps.ts'
import { millis, seconds } from '../../src/time.ts'

const rule = { changes: 4, within: seconds(10) }

/** `a b- c? d= e0` is a server that is up, one that is down, one that nobody has asked, one whose failure is not believed, one of weight 0. */
const watched = (text: string): Watched[] =>
  text.split(' ').map((word) => {
    const states = { '-': 'down', '?': 'untried', '=': 'held' } as const
    const state = states[word.slice(-1) as keyof typeof states] ?? 'up'
    return { name: word.slice(0, 1), state, serves: state !== 'down' && !word.endsWith('0') }
  })

/** Who is kept down (`-`) or spared (`+`) after each of these, which come at a time in seconds. */
function story(...steps: readonly (readonly [at: number, servers: string])[]): string[] {
  let state: FlapState = noFlaps
  return steps.map(([at, text]) => {
    state = stepFlaps(rule, state, watched(text), seconds(at))
    const signs = [...[...state.keptDown].map((name) => `${name}-`), ...[...state.spared].map((name) => `${name}+`)]
    return signs.toSorted().join(' ')
  })
}

const FLAPPED = [
  [0, 'a b'],
  [1, 'a- b'],
  [2, 'a b'],
  [3, 'a- b'],
] as const

describe('a server that flaps', () => {
  test('does not come up with its last change, and does when it has been good for as long', () => {
    expect(story(...FLAPPED, [4, 'a b'], [13.9, 'a b'], [14, 'a b'])).toEqual(['', '', '', '', 'a-', 'a-', ''])
  })

  test('waits from the beginning when it fails meanwhile', () => {
    expect(story(...FLAPPED, [4, 'a b'], [5, 'a- b'], [6, 'a b'], [15.9, 'a b'], [16, 'a b']).slice(4)).toEqual([
      'a-',
      '',
      'a-',
      'a-',
      '',
    ])
  })

  test('begins to count anew when that is over', () => {
    expect(story(...FLAPPED, [4, 'a b'], [14, 'a b'], [15, 'a- b'], [16, 'a b']).slice(4)).toEqual(['a-', '', '', ''])
  })

  test('may change as often as it likes in a longer time', () => {
    expect(story([0, 'a b'], [5, 'a- b'], [10, 'a b'], [15, 'a- b'], [20, 'a b'])).toEqual(['', '', '', '', ''])
  })

  test('is not found where nobody has asked before, and keeps what is known of it while nobody asks', () => {
    expect(story([0, 'a? b'], [1, 'a- b'], [2, 'a b'], [3, 'a- b'], [4, 'a b'])).toEqual(['', '', '', '', ''])
    expect(story(...FLAPPED, [3.5, 'a? b'], [4, 'a b']).at(-1)).toBe('a-')
  })

  test('has not changed by failures that are not believed', () => {
    expect(story([0, 'a b'], [1, 'a- b'], [1, 'a= b'], [2, 'a b'], [3, 'a- b'], [3, 'a= b'], [4, 'a b']).at(-1)).toBe(
      '',
    )
  })
})

describe('the last server', () => {
  test('comes up although it flaps when the others fail, and stays when they are back', () => {
    const story1 = story(...FLAPPED, [4, 'a b'], [5, 'a b-'], [6, 'a b'], [7, 'a- b'], [8, 'a b'])
    expect(story1.slice(4)).toEqual(['a-', 'a+', 'a+', '', 'a-'])
  })

  test('is the one that has been good the longest of those that flap', () => {
    expect(
      story([0, 'a b'], [1, 'a- b-'], [2, 'a b'], [3, 'a- b-'], [4, 'a- b'], [5, 'a b'], [6, 'a b-'], [7, 'a b']).slice(
        4,
      ),
    ).toEqual(['b+', 'a- b+', 'a+', 'a+ b-'])
  })

  test('others that have weight 0 are none', () => {
    expect(story(...FLAPPED, [4, 'a b0'])).toEqual(['', '', '', '', 'a+'])
  })
})

test('nobody who serves is taken out, somebody serves where somebody could, and little is remembered', () => {
  const names = ['a', 'b', 'c']
  const states = fc.constantFrom<Watched['state'][]>('up', 'up', 'down', 'down', 'held', 'untried')
  const round = fc.tuple(fc.nat(3000), fc.array(states, { minLength: 3, maxLength: 3 }))
  fc.assert(
    fc.property(fc.array(round, { maxLength: 60 }), (rounds) => {
      let state = noFlaps
      let now = 0
      let served = new Set<string>()
      let was = new Map<string, string>()
      for (const [later, found] of rounds) {
        now += later
        const all = names.map((name, i): Watched => {
          const one = found[i] ?? 'untried'
          return { name, state: one, serves: one !== 'down' }
        })
        state = stepFlaps(rule, state, all, millis(now))
        const serving = all.filter(({ name, serves }) => serves && !state.keptDown.has(name)).map(({ name }) => name)
        expect(serving.length > 0).toBe(all.some(({ serves }) => serves))
        for (const { name, state: one } of all) {
          if (one === 'up' && was.get(name) === 'up' && served.has(name)) expect(state.keptDown.has(name)).toBe(false)
          const known = state.servers.get(name)
          expect(known?.changes.length ?? 0).toBeLessThanOrEqual(rule.changes)
          const until = known && goodUntil(rule, known)
          if (state.keptDown.has(name) && one === 'up') expect(until).toBeGreaterThan(now)
          if (until !== undefined) expect(until).toBeLessThanOrEqual(now + rule.within)
        }
        served = new Set(serving)
        was = new Map(all.map(({ name, state: one }) => [name, one]))
      }
    }),
  )
})
