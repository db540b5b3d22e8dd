import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Answer } from '../../src/check/health.ts'
import { begin, count, type Outcome } from '../../src/check/schedule.ts'
import type { CheckSchedule } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { ip } from '../vrrp/instances.ts'

const checker = (retry: number): CheckSchedule => ({
  target: { address: ip('127.0.0.1'), port: 80 },
  delayLoop: millis(20),
  timeout: millis(400),
  retry,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
})
const duration = millis(3)
const ANSWERS: Readonly<Record<string, Answer>> = {
  g: { up: true, reason: 'good', duration },
  b: { up: false, reason: 'bad', duration },
  n: { up: undefined, reason: 'no descriptor', duration },
}

/** What becomes of answers, one letter each: `r` a retry follows, `U` and `D` the round says so, `u` and `d` it could not ask. */
function told(answers: string, retry: number, wasUp = false): string {
  let state = begin(checker(retry), wasUp ? 'up' : undefined)
  let text = ''
  for (const letter of answers) {
    const answer = ANSWERS[letter]
    if (answer === undefined) throw new Error(`no answer ${letter}`)
    const next = count(checker(retry), state, answer)
    state = next.state
    for (const effect of next.effects) {
      if (effect.type === 'retry') text += 'r'
      if (effect.type === 'report') text += letterOf(effect.outcome)
    }
  }
  return text
}

const letterOf = ({ up, notAsked }: Outcome) => (notAsked === true ? (up ? 'u' : 'd') : up ? 'U' : 'D')

test.each([
  ['a success at once', 'gg', 2, 'UU'],
  ['the first failure, of a server that nothing is known of', 'b', 2, 'D'],
  ['later failures, after the retries', 'gbbbbbb', 2, 'UrrDrrD'],
  ['a success between the retries', 'gbbgb', 2, 'UrrUr'],
  ['failures without retries', 'gbb', 0, 'UDD'],
  ['one success of a server that was down', 'bg', 3, 'DU'],
  ['a question that could not be asked, of a server that is up', 'gn', 0, 'Uu'],
  ['a question that could not be asked, of a server that is down', 'bnn', 1, 'Drd'],
  ['a question that could not be asked at all', 'n', 2, 'u'],
  ['the last failure of a round decides what it was', 'gbngnb', 1, 'UruUrD'],
])('%s', (_name, answers, retry, expected) => {
  expect(told(answers, retry)).toBe(expected)
})

test('a server that is known to be up has its retries in the first round, too', () => {
  expect(told('bbb', 2, true)).toBe('rrD')
})

test('with alpha a server is down until it has been asked', () => {
  const alpha = { ...checker(1), alpha: true as const }
  const [report] = count(alpha, begin(alpha, undefined), { up: undefined, reason: 'no descriptor', duration }).effects
  expect(report).toMatchObject({ outcome: { up: false, notAsked: true } })
  expect(begin(alpha, 'up').up).toBe(true)
})

test('what a checker says of its server, weight and all, is the outcome of its round', () => {
  const answer = { up: true, weight: { type: 'is', value: 7 }, reason: 'said so', duration } as const
  const { effects } = count(checker(1), begin(checker(1), undefined), answer)
  expect(effects).toEqual([
    { type: 'report', outcome: answer },
    { type: 'rest', pause: 20 },
  ])
})

test('no round asks more often than 1 + retry times, and a server is down only after as many failures in a row', () => {
  const answers = fc.array(fc.constantFrom('g', 'b', 'n'), { maxLength: 60 })
  fc.assert(
    fc.property(answers, fc.nat(5), (list, retry) => {
      const text = told(list.join(''), retry, true)
      expect(text).toHaveLength(list.length)
      for (const round of text.match(/r*[UDud]/g) ?? []) expect(round.length).toBeLessThanOrEqual(1 + retry)
      for (const [end, letter] of text.split('').entries()) {
        if (letter === 'D') expect(list.slice(end - retry, end + 1)).not.toContain('g')
      }
    }),
  )
})

/** What rounds come to, one letter each: `U` and `D` it is found so, `u` and `d` it stays so for now; `!` when the next one comes soon. */
function rounds(answers: string, timing: Partial<CheckSchedule>, was?: 'up' | 'down'): string {
  const whole = { ...checker(0), ...timing, fastInterval: millis(5) }
  let state = begin(whole, was)
  return answers
    .split('')
    .map((letter) => {
      const answer = ANSWERS[letter]
      if (answer === undefined) throw new Error(`no answer ${letter}`)
      const next = count(whole, state, answer)
      state = next.state
      return next.effects
        .map((effect) => {
          if (effect.type === 'rest') return effect.pause === 5 ? '!' : ''
          if (effect.type === 'retry') return 'r'
          const { up, reason } = effect.outcome
          const isWaiting = reason.endsWith('in a row)') || effect.outcome.notAsked === true
          return isWaiting ? (up ? 'u' : 'd') : up ? 'U' : 'D'
        })
        .join('')
    })
    .join('')
}

test.each([
  ['fall bad rounds take a server down, with the short interval meanwhile', 'gbbbb', { fall: 3 }, undefined, 'Uu!u!DD'],
  ['a good round between them begins anew', 'gbbgbbb', { fall: 3 }, undefined, 'Uu!u!Uu!u!D'],
  ['rise good rounds bring it up', 'gbggg', { rise: 2 }, undefined, 'UDd!UU'],
  ['a bad round between them begins anew', 'bgbgg', { rise: 2 }, undefined, 'Dd!Dd!U'],
  ['the first round counts at once, if nothing is known', 'b', { fall: 3 }, undefined, 'D'],
  ['but not of a server that was found up', 'bbb', { fall: 3 }, 'up', 'u!u!D'],
  ['nor of one that was found down', 'gg', { rise: 2 }, 'down', 'd!U'],
  ['with alpha nor of one that nobody has found', 'ggb', { rise: 2, alpha: true }, undefined, 'd!UD'],
  ['a question that could not be asked counts for nothing', 'gbnbnb', { fall: 3 }, undefined, 'Uu!u!u!u!D'],
  ['retries are within a round', 'gbbbb', { fall: 2, retry: 1 }, undefined, 'Uru!rD'],
] as const)('%s', (_name, answers, timing, was, expected) => {
  expect(rounds(answers, timing, was)).toBe(expected)
})

test('a server turns after exactly rise or fall rounds that say so, and never by fewer', () => {
  const turns = fc.integer({ min: 1, max: 5 })
  fc.assert(
    fc.property(fc.array(fc.constantFrom('g', 'b'), { maxLength: 60 }), turns, turns, (answers, rise, fall) => {
      const timing = { ...checker(0), rise, fall }
      let state = begin(timing, 'up')
      let inARow = 0
      for (const letter of answers) {
        const answer = ANSWERS[letter]
        if (answer === undefined) throw new Error('no answer')
        const before = state.up
        state = count(timing, state, answer).state
        inARow = answer.up === before ? 0 : inARow + 1
        expect(state.up !== before).toBe(inARow === (before ? fall : rise))
        if (state.up !== before) inARow = 0
      }
    }),
  )
})
