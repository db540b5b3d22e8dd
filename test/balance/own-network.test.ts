import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type NetworkState, type Reached, stepNetwork, wholeNetwork } from '../../src/balance/own-network.ts'
import { millis, seconds } from '../../src/time.ts'

const ROUND = seconds(5)

/** `a b! c- d?` is a server that is up, one that there is no way to, one that fails otherwise, and one that nobody has asked. */
const servers = (text: string): Reached[] =>
  text.split(' ').map((word) => ({
    name: word.charAt(0),
    // Those that differ in case only are at one address.
    address: word.charAt(0).toLowerCase(),
    up: !/[!-]$/.test(word),
    isKnown: !word.endsWith('?'),
    isUnreachable: word.endsWith('!'),
  }))

function story(...steps: readonly (readonly [at: number, servers: string])[]): string[] {
  let state: NetworkState = wholeNetwork
  return steps.map(([at, text]) => {
    state = stepNetwork(state, servers(text), ROUND, seconds(at))
    return `${state.isCut ? 'cut' : 'whole'} ${[...state.held].toSorted().join('')}`.trim()
  })
}

describe('no way', () => {
  test('to one server takes that one down', () => {
    expect(story([0, 'a b c'], [1, 'a! b c'], [2, 'a! b! c'])).toEqual(['whole', 'whole', 'whole'])
  })

  test('to any is the network of this host: what was is held, also of those that were lost first', () => {
    expect(story([0, 'a b c'], [1, 'a! b c'], [2, 'a! b! c'], [3, 'a! b! c!'])).toEqual([
      'whole',
      'whole',
      'whole',
      'cut abc',
    ])
  })

  test('holds nobody who was down before', () => {
    expect(story([0, 'a b c-'], [1, 'a! b! c!'])).toEqual(['whole', 'cut ab'])
    expect(story([0, 'a b c'], [1, 'a! b c'], [30, 'a! b! c!'])).toEqual(['whole', 'whole', 'cut bc'])
  })

  test('says nothing with one address alone, and not before all that were asked say so', () => {
    expect(story([0, 'a A'], [1, 'a! A!'])).toEqual(['whole', 'whole'])
    expect(story([0, 'a b c-'], [1, 'a! b! c-'])).toEqual(['whole', 'whole'])
    expect(story([0, 'a b c?'], [1, 'a! b! c?'])).toEqual(['whole', 'cut ab'])
  })

  test('that is over leaves each a round to be asked', () => {
    expect(story([0, 'a b c'], [1, 'a! b! c!'], [2, 'a b! c!'], [3, 'a b c!'], [6.9, 'a b c!'], [7, 'a b c!'])).toEqual(
      ['whole', 'cut abc', 'whole bc', 'whole c', 'whole c', 'whole'],
    )
  })

  test('never holds who is up, who fails otherwise, or who was never up', () => {
    const kind = fc.constantFrom('', '!', '-')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9000), kind, kind, kind), { maxLength: 40 }), (rounds) => {
        let state: NetworkState = wholeNetwork
        let now = 0
        const everUp = new Set<string>()
        for (const [after, ...kinds] of rounds) {
          now += after
          const all = servers(['a', 'b', 'c'].map((name, i) => name + (kinds[i] ?? '')).join(' '))
          state = stepNetwork(state, all, ROUND, millis(now))
          for (const { name, up, isUnreachable } of all) {
            if (up) everUp.add(name)
            if (state.held.has(name)) expect([up, isUnreachable, everUp.has(name)]).toEqual([false, true, true])
          }
          if (state.isCut) expect(all.every((each) => each.isUnreachable)).toBe(true)
          if (!state.isCut && state.until === undefined) expect(state.held.size).toBe(0)
        }
      }),
    )
  })
})
