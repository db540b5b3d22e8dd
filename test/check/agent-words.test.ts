import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agentText, agentVerdict, hear, NOTHING_SAID } from '../../src/check/agent-words.ts'
import { AGENT_LINES } from '../support/agent-lines.ts'
import { mutated } from '../support/mutated.ts'

/** What an agent comes to that says these lines, one after the other. */
const after = (...lines: string[]) => lines.reduce((said, line) => hear(said, line).said, NOTHING_SAID)
const percent = (value: number) => ({ up: true, weight: { type: 'percent', value } })
const DRAINED = { up: true, weight: { type: 'drain' } }
const DOWN = { up: false }

test.each<[string[], unknown, string]>([
  [['75%'], percent(75), '75%'],
  [['drain 50%'], DRAINED, 'drain, 50%'],
  [['down #no replication, up'], DOWN, 'down (no replication, up)'],
  [['down#why up'], { up: true }, 'up'],
  [['25% 50%'], percent(50), '50%'],
  [['up down'], DOWN, 'down'],
  [['maint up'], DOWN, 'maint, up'],
  [['99999999999999999999%'], percent(1_000_000), '1000000%'],
  // What is not said again stays.
  [['drain', '75%'], DRAINED, 'drain, 75%'],
  [['drain 75%', 'ready'], percent(75), '75%'],
  [['maint', 'up'], DOWN, 'maint, up'],
  [['fail', 'ready'], DOWN, 'fail'],
  [['fail #x', 'up'], { up: true }, 'up'],
  [['75%', ''], percent(75), '75%'],
  [[''], { up: true }, 'nothing said yet'],
])('%j', (lines, verdict, text) => {
  expect(agentVerdict(after(...lines))).toEqual(verdict)
  expect(agentText(after(...lines))).toBe(text)
})

test('words that mean nothing are named', () => {
  expect(hear(NOTHING_SAID, 'up weight:20 50 7.5% maxconn:30').unknown).toEqual(['weight:20', '50', '7.5%'])
})

test('whatever an agent says, there is a sound answer to it, soon', () => {
  const word = fc.constantFrom(
    'up',
    'down',
    'fail',
    'drain',
    'maint',
    'ready',
    '#',
    ',',
    ' ',
    '\t',
    '%',
    '9'.repeat(400),
    '50%',
  )
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1024 }),
    fc.array(word, { maxLength: 200 }).map((all) => all.join('')),
    mutated(...AGENT_LINES, 'up 75% #all is well').map((bytes) => bytes.toString('latin1')),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const begun = performance.now()
      const said = after(...lines)
      const { weight } = agentVerdict(said)
      if (weight?.type === 'percent') expect(weight.value).toBeLessThanOrEqual(1_000_000)
      expect(JSON.parse(JSON.stringify(agentVerdict(said)))).toEqual(agentVerdict(said))
      // The same again changes nothing.
      for (const each of lines.slice(-1)) expect(hear(said, each).said).toEqual(said)
      expect(performance.now() - begun).toBeLessThan(1000)
    }),
    { numRuns: 2000, examples: AGENT_LINES.map((each): [string[]] => [[each]]) },
  )
})
