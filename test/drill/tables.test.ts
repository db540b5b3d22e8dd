import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ACTIONS } from '../../src/drill/language/actions.ts'
import { CONDITIONS, FIGURES } from '../../src/drill/language/conditions.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import { CHAPTERS } from '../../src/drill/language/reference.ts'
import { drillSchema, drillSchemaText } from '../../src/drill/language/schema.ts'
import { claimSentence, stepSentence } from '../../src/drill/language/sentences.ts'
import { PAGE, SCHEMA, withReference } from '../drills/language.ts'

const BOOK = join(import.meta.dirname, '../../conf/drills')
const isValid = new Ajv({ strict: false, allErrors: true }).compile(drillSchema())
/** What the schema says of a file: nothing when it is good. */
const wrongIn = (text: string) =>
  isValid(parse(text)) ? [] : (isValid.errors ?? []).map(({ instancePath }) => instancePath)
const ofStep = (step: string) => `drill: a\nwhy: b\nsteps:\n  - ${step}\n`
const TRAFFIC = 'traffic: [ probe: auto, requests: 20 ms, connections: 5 ]\n'
const ofClaim = (claim: string) => `drill: a\nwhy: b\n${TRAFFIC}steps: [ wait: 1 s ]\nclaims:\n  - ${claim}\n`

describe('what is written by `npm run drill:language`', () => {
  test('the schema is that of the tables', () => expect(readFileSync(SCHEMA, 'utf8')).toBe(drillSchemaText()))

  test('the reference is that of the tables', () => {
    const page = readFileSync(PAGE, 'utf8')
    expect(page).toBe(withReference(page))
  })

  test('the reference has all actions', () => {
    const names = Object.values(CHAPTERS).flatMap((actions) => Object.keys(actions))
    expect(names.toSorted()).toEqual(Object.keys(ACTIONS).toSorted())
  })
})

describe('the schema takes', () => {
  test.each(globSync('*.yaml', { cwd: BOOK }))('%s', (file) => {
    expect(wrongIn(readFileSync(join(BOOK, file), 'utf8'))).toEqual([])
  })

  test.each(Object.entries(ACTIONS))('the example of %s', (_, { example }) =>
    expect(wrongIn(ofStep(example))).toEqual([]),
  )

  test.each(Object.entries({ ...CONDITIONS, ...FIGURES }))('the example of %s', (_, { example }) => {
    expect(wrongIn(ofClaim(example))).toEqual([])
  })
})

/** Wrong for the schema, and for the reader. */
const WRONG: readonly string[] = [
  '[]',
  'drill: a\nsteps: [ wait: 1 s ]\n',
  'drill: a\nwhy: b\n',
  'drill: a\nwhy: b\nsteps: []\n',
  'drill: a\nwhy: b\nstesp: [ wait: 1 s ]\n',
  'drill: a\nwhy: b\nneeds: [ check ]\nsteps: [ wait: 1 s ]\n',
  'drill: a\nwhy: b\npair: dr.conf\nsteps: [ wait: 1 s ]\n',
  'drill: a\nwhy: b\npair: { fiel: dr.conf }\nsteps: [ wait: 1 s ]\n',
  'drill: a\nwhy: b\ntraffic: [ probe ]\nsteps: [ wait: 1 s ]\n',
  ...[
    'stop',
    'stpo: active',
    'stop: master',
    'stop: ~',
    'stop: active\n    start: active',
    'wait: 2',
    'wait: 2 h',
    'kill: { process: vrrp }',
    'kill: { of: active, proces: vrrp }',
    'starve: { of: active }',
    'starve: { of: active, to: 5 }',
    'disturb: { of: standby }',
    'maintain: { of: active, on: maybe }',
    'reload: { of: both, times: 0 }',
    'wait for: standby',
    'wait for: { within: 1 s }',
    'wait for: { master: standby, holds: standby }',
    'wait for: { outage: 1 s }',
    'repeat: { times: 2 }',
    'repeat: { times: 2, steps: [] }',
    'repeat: { times: 2, steps: [ stpo: active ] }',
    'unclaim address: { address: a }',
  ].map(ofStep),
  ...[
    'outage',
    'outage: 1',
    'outage: takover',
    'lost: nothing',
    'lost: none\n    outage: 1 s',
    'take-overs: {}',
    'answered by: []',
    'share: 1-2',
    'memory: 5',
    'state: { of: active, is: slave }',
  ].map(ofClaim),
]

test.each(WRONG.map((text) => [JSON.stringify(text), text] as const))('schema and reader refuse %s', (_, text) => {
  expect(wrongIn(text)).not.toEqual([])
  expect(readDrill({ name: 'x.yaml', text }).drill).toBeUndefined()
})

test('every action, condition and figure is told in a sentence that has no gap', () => {
  const steps = Object.values(ACTIONS).flatMap(
    ({ example }) => readDrill({ name: 'x', text: `${ofStep(example)}${TRAFFIC}` }).drill?.steps ?? [],
  )
  const forms = Object.values({ ...CONDITIONS, ...FIGURES })
  const claims = forms.flatMap(({ example }) => readDrill({ name: 'x', text: ofClaim(example) }).drill?.claims ?? [])
  const sentences = [...steps.map((each) => stepSentence(each)), ...claims.map(({ claim }) => claimSentence(claim))]
  expect(sentences).toHaveLength(Object.keys(ACTIONS).length + forms.length)
  expect(sentences.filter((each) => /undefined|\[object|NaN/.test(each))).toEqual([])
})
