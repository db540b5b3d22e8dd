import { expect, test } from 'vitest'
import { junit } from '../../../src/drill/report/junit.ts'
import { elementsOf, named } from '../parsed.ts'
import { failedStep, hostile, repeated, takeover, tooLong } from '../recorded.ts'

test('a drill is a suite, and its claims and invariants are cases with their failures', () => {
  const elements = elementsOf(junit([tooLong(), failedStep()]))
  expect(named(elements, 'testsuites')[0]?.attributes).toMatchObject({
    tests: '8',
    failures: '3',
    errors: '0',
    skipped: '1',
    time: '43.500',
  })
  expect(named(elements, 'testsuite').map(({ attributes }) => attributes)).toEqual([
    {
      name: '7: The cable of the master is pulled',
      file: 'drills/07-cable.yaml',
      tests: '6',
      failures: '1',
      errors: '0',
      skipped: '1',
      time: '12.000',
      timestamp: '2026-11-29T08:19:15',
    },
    expect.objectContaining({ name: 'A reload by hand', tests: '2', failures: '2' }),
  ])
  expect(named(elements, 'testcase').map(({ attributes }) => attributes['name'])).toEqual([
    'the drill comes to its end',
    'master: standby',
    'outage: takeover',
    'I1: no virtual address has two owners at the end',
    'I2: what the drill did is undone',
    'I3: no process has more memory than before',
    'the drill comes to its end',
    'lost: none',
  ])
  expect(named(elements, 'failure').map(({ attributes }) => attributes)).toEqual([
    { message: 'longest gap 5120 ms of at most 3823 ms', type: 'not true' },
    {
      message: 'The drill ended at a step that failed. master: standby did not come within 30 s',
      type: 'failed',
    },
    { message: 'the drill ended before', type: 'not judged' },
  ])
})

test('a suite has its timeline as what it said', () => {
  const [said] = named(elementsOf(junit([takeover()])), 'system-out')
  expect(said?.text).toContain('\n  2.0 s  pull cable: active\n')
})

test('cases of several runs are told apart by run, program and seed', () => {
  const names = named(elementsOf(junit(repeated(3))), 'testcase').map(({ attributes }) => attributes['name'])
  expect(new Set(names).size).toBe(36)
  expect(names).toContain('run 6 (keepalived, seed 3): outage: takeover')
})

test('it is well-formed whatever the texts are', () => {
  const xml = junit([hostile(), takeover()])
  expect(named(elementsOf(xml), 'script')).toEqual([])
  expect(xml).not.toContain(']]>')
  expect(xml).not.toMatch(/[^\P{Cc}\n]/u)
})

test('without any run it has no suite', () => {
  expect(elementsOf(junit([]))).toHaveLength(1)
})
