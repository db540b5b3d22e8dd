import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { ACTIONS } from '../../src/drill/language/actions.ts'
import { readHosts } from '../../src/drill/language/hosts.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import { readLogLine } from '../../src/drill/log-line.ts'
import { refusalsOf } from '../../src/drill/real-machines.ts'

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../conf/drills/hosts.yaml.example'), 'utf8')
const read = (text: string) => readHosts({ name: 'hosts.yaml', text })

describe('a file of machines', () => {
  test('that is the example reads, and what is commented out there is what holds without it', () => {
    const { hosts, diagnostics } = read(EXAMPLE)
    expect(diagnostics).toEqual([])
    const all = read(EXAMPLE.replaceAll(/^( *)# (?=\w+( port)?: \S+( |$)|silence)/gm, '$1').replace(/^# .*/gm, ''))
    expect(all.diagnostics).toEqual([])
    expect(all.hosts?.director1).toEqual(hosts?.director1)
    expect(all.hosts?.silence).toBe(hosts?.silence)
    expect(all.hosts?.client).toMatchObject({ beside: '192.0.2.60', 'beside port': 7 })
  })

  test('shows a director that is missing, an unknown word and a director without a way to it', () => {
    const { hosts, diagnostics } = read('director1: { vai: ssh a }\nclient: { beside: name }\n')
    expect(hosts).toBeUndefined()
    const shown = diagnostics.map((each) => formatDiagnostic(each)).join('\n')
    expect(shown).toContain('unknown word `vai`')
    expect(shown).toContain('`via` is missing')
    expect(shown).toContain('`director2` is missing')
    expect(shown).toContain('`name` is not an address')
  })

  test.each(['', '[]', 'director1: [', 'a'])('that is %j is a mistake', (text) => {
    const { hosts, diagnostics } = read(text)
    expect(hosts).toBeUndefined()
    expect(diagnostics).toHaveLength(1)
  })
})

/** Why a drill with these lines is refused. */
function refused(lines: string): readonly string[] {
  const { drill, diagnostics } = readDrill({ name: 'x.yaml', text: `drill: a\nwhy: b\n${lines}` })
  expect(diagnostics).toEqual([])
  return drill === undefined ? ['it does not read'] : refusalsOf(drill).map(({ why }) => why)
}
const ofStep = (step: string) => refused(`steps:\n  - ${step}\n`)

describe('on a real pair', () => {
  test.each(Object.entries(ACTIONS).filter(([, { labOnly }]) => labOnly !== undefined))(
    '%s is refused with its reason',
    (_, { example, labOnly }) => expect(ofStep(example)).toEqual([labOnly]),
  )

  test.each(
    Object.entries(ACTIONS).filter(
      ([name, { labOnly }]) => labOnly === undefined && !['claim', 'disturb'].includes(name),
    ),
  )('%s is not refused', (_, { example }) => expect(ofStep(example)).toEqual([]))

  test.each([
    ["run: { on: active, command: 'true' }", 'it has no undo'],
    ["run: { on: server 1, command: 'true', undo: 'true' }", 'the real servers are not among the machines'],
    ['disturb: { of: active, lose: 5 % }', 'say way: out'],
    ['disturb: { of: server 2, lose: 5 %, way: out }', 'the real servers are not among the machines'],
    ['wait for: { called: { of: active, command: notify }, within: 1 s }', 'in the lab only'],
    ['claim: { never called: { of: active, command: notify } }', 'in the lab only'],
  ])('%s is refused', (step, why) => {
    const found = ofStep(step)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(why)
  })

  test('traffic and claims are refused that need the servers of the lab', () => {
    const lines =
      'traffic: [ probe: udp, requests: 20 ms, connections: 5 ]\nsteps: [ wait: 1 s ]\nclaims:\n  - share: 1:1\n'
    expect(refused(lines)).toHaveLength(3)
  })
})

test('a line that the journal gives as JSON has its text and its level', () => {
  const line = (priority: string) => JSON.stringify({ PRIORITY: priority, MESSAGE: 'web: fault', __CURSOR: 's=1' })
  expect(readLogLine(line('3'))).toEqual({ text: 'web: fault', isError: true })
  expect(readLogLine(line('6'))).toEqual({ text: 'web: fault', isError: false })
})
