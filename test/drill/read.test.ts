import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { ACTIONS } from '../../src/drill/language/actions.ts'
import { CONDITIONS, FIGURES } from '../../src/drill/language/conditions.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import { TRAFFIC } from '../../src/drill/language/traffic.ts'

const HEAD = 'drill: a\nwhy: b\n'
const ALL_TRAFFIC = `traffic: [ ${Object.values(TRAFFIC)
  .map(({ example }) => example)
  .join(', ')} ]\n`
const read = (text: string) => readDrill({ name: 'x.yaml', text })
/** All that is shown of a file. */
const shown = (text: string) => read(text).diagnostics.map((each) => formatDiagnostic(each))
/** What is shown of one step, or of several lines of steps. */
const ofSteps = (...lines: string[]) => shown(`${HEAD}steps:\n${lines.map((line) => `  - ${line}\n`).join('')}`)
const picture = (...lines: string[]) => [lines.join('\n')]

describe('the example of', () => {
  test.each(Object.entries(ACTIONS))('the action %s reads, and is that action', (name, { example }) => {
    const { drill, diagnostics } = read(`${HEAD}${ALL_TRAFFIC}steps:\n  - ${example}\n`)
    expect(diagnostics.map((each) => formatDiagnostic(each))).toEqual([])
    // Of a claim all but its word is told, as of one at the end of the file.
    const told = name === 'claim' ? 'outage: takeover' : example
    expect(drill?.steps.map(({ action, text }) => [action, text])).toEqual([[name, told]])
  })

  test.each(Object.entries(CONDITIONS))(
    'the condition %s reads, as a claim and to be waited for',
    (name, { example }) => {
      const { drill, diagnostics } = read(
        `${HEAD}steps:\n  - wait for: { ${example}, within: 1 s }\nclaims:\n  - ${example}\n`,
      )
      expect(diagnostics.map((each) => formatDiagnostic(each))).toEqual([])
      expect(drill?.claims.map(({ claim }) => claim.type)).toEqual([name])
    },
  )

  test.each(Object.entries(FIGURES))('the figure %s reads', (name, { example }) => {
    const { drill, diagnostics } = read(`${HEAD}${ALL_TRAFFIC}steps: [ wait: 1 s ]\nclaims:\n  - ${example}\n`)
    expect(diagnostics.map((each) => formatDiagnostic(each))).toEqual([])
    expect(drill?.claims.map(({ claim }) => claim.type)).toEqual([name])
  })

  test.each(Object.entries(TRAFFIC))('the traffic %s reads', (name, { example }) => {
    const { drill } = read(`${HEAD}traffic:\n  - ${example}\nsteps: [ wait: 1 s ]\n`)
    expect(drill?.traffic.map(({ type }) => type)).toEqual([name])
  })
})

describe('a drill is read with', () => {
  test('the number that its name begins with', () => {
    const numberOf = (name: string) => readDrill({ name, text: `${HEAD}steps: [ wait: 1 s ]\n` }).drill?.number
    expect(['conf/drills/07-x.yaml', '12-x.yaml', 'my.yaml', '7-x.yaml'].map(numberOf)).toEqual([
      7,
      12,
      undefined,
      undefined,
    ])
  })

  test('the values that were left out', () => {
    const { drill } = read(`${HEAD}steps:\n  - kill: active\n  - reload: both\n  - wait for: { master: standby }\n`)
    expect(drill?.steps.map((step) => step.arguments)).toEqual([
      { of: 'active', process: 'all' },
      { of: 'both', expect: 'taken', times: 1 },
      {
        until: { condition: { type: 'master', arguments: { is: 'standby' } }, within: { plus: 30_000, promised: [] } },
      },
    ])
  })

  test('limits that are sums of durations and promises', () => {
    const { drill } = read(
      `${HEAD}traffic: [ probe: icmp ]\nsteps: [ wait: 1 s ]\nclaims:\n  - outage: takeover + 1.5 s + 10 ms\n`,
    )
    expect(drill?.claims[0]?.claim).toEqual({
      type: 'outage',
      arguments: { 'at most': { plus: 1510, promised: ['takeover'] }, 'at least': undefined },
    })
  })

  test('repetitions as the steps that they come to, also of repetitions', () => {
    const { drill } = read(
      `${HEAD}steps:\n  - repeat:\n      times: 2\n      steps:\n        - repeat: { times: 2, steps: [ stop: active ] }\n        - wait: 1 s\n`,
    )
    expect(drill?.steps.map(({ action }) => action)).toEqual(['stop', 'stop', 'wait', 'stop', 'stop', 'wait'])
  })

  test('a claim twice, each with its place and its words in one line', () => {
    const { drill } = read(
      `${HEAD}steps: [ wait: 1 s ]\nclaims:\n  - state:\n      of: active # whose\n      is: fault\n  - file: both\n`,
    )
    expect(drill?.claims.map(({ text, at }) => [text, at.source.text.slice(at.start, at.end)])).toEqual([
      ['state: of: active is: fault', 'state:'],
      ['file: both', 'file: both'],
    ])
  })

  test('lines that end as on Windows, and a mark of the byte order', () => {
    const text = `\uFEFF${HEAD}steps:\n  - stop: active\n`.replaceAll('\n', '\r\n')
    expect(shown(text)).toEqual([])
    expect(read(text).drill?.why).toBe('b')
  })

  test('no steps, when it says why it cannot run', () => {
    expect(shown(`${HEAD}cannot run: no such machine here\n`)).toEqual([])
  })
})

describe('a mistake in the text as YAML is shown where it is:', () => {
  test.each<[string, string, string[]]>([
    [
      'nothing',
      '',
      [
        'x.yaml:1:1: error[bad-value]: there is nothing in this file',
        '    1 | ',
        '      | ^ a drill begins with `drill: its name`; then come why, steps and claims',
      ],
    ],
    [
      'a comment alone',
      '# later\n',
      [
        'x.yaml:1:1: error[bad-value]: there is nothing in this file',
        '    1 | # later',
        '      | ^ a drill begins with `drill: its name`; then come why, steps and claims',
      ],
    ],
    [
      'a list',
      '- stop: active\n',
      [
        'x.yaml:1:1: error[bad-value]: this is no drill',
        '    1 | - stop: active',
        '      | ^^^^^^^^^^^^^^ a drill begins with `drill: its name`; then come why, steps and claims',
      ],
    ],
    [
      'a tab',
      `${HEAD}steps:\n\t- stop: active\n`,
      [
        'x.yaml:4:1: error[bad-yaml]: a tab where blanks belong',
        '    4 | \t- stop: active',
        '      | ^ YAML is indented with blanks only',
      ],
    ],
    [
      'a word twice',
      'drill: a\nwhy: b\nwhy: c\n',
      [
        'x.yaml:3:1: error[bad-yaml]: this word is here already',
        '    3 | why: c',
        '      | ^ each word once in a map; a step or a claim more begins with a dash',
      ],
    ],
    [
      'a colon in a text',
      'drill: a: b\nwhy: c\n',
      [
        'x.yaml:1:8: error[bad-yaml]: two colons in one line',
        '    1 | drill: a: b',
        '      |        ^ write a text that has a colon in quotes',
      ],
    ],
    [
      'a sign that begins no text',
      `${HEAD}steps:\n  - say: @noon\n`,
      [
        'x.yaml:4:10: error[bad-yaml]: a text cannot begin with this character',
        '    4 |   - say: @noon',
        '      |          ^ write it in quotes',
      ],
    ],
    [
      'another indentation',
      `${HEAD}steps:\n  - wait: 1 s\n - wait: 2 s\n`,
      [
        'x.yaml:5:1: error[bad-yaml]: this line begins at another place than those above',
        '    5 |  - wait: 2 s',
        '      | ^ indent what belongs together alike',
      ],
    ],
    [
      'an open bracket',
      `${HEAD}steps: [ stop: active\nclaims: []\n`,
      [
        'x.yaml:4:1: error[bad-yaml]: a bracket is not closed before this line',
        '    4 | claims: []',
        '      | ^ end it with ] or }, or indent what goes on',
      ],
    ],
    [
      'an open quote',
      'drill: "a\nwhy: b\n',
      [
        'x.yaml:3:1: error[bad-yaml]: a quote or a bracket is not closed before here',
        '    3 | ',
        '      | ^ end it where it began',
      ],
    ],
    [
      'two drills',
      `${HEAD}cannot run: c\n---\n${HEAD}`,
      [
        'x.yaml:4:1: error[bad-yaml]: a second drill in one file',
        '    4 | ---',
        '      | ^^^ each drill has a file of its own',
      ],
    ],
    [
      'a tag',
      `${HEAD}steps:\n  - say: !loud a\n`,
      ['x.yaml:4:10: error[bad-yaml]: unresolved tag: !loud', '    4 |   - say: !loud a', '      |          ^^^^^'],
    ],
  ])('%s', (_name, text, lines) => expect(shown(text)).toEqual(picture(...lines)))

  test('anchors, aliases and merge keys, which a drill does not have', () => {
    expect(ofSteps('kill: &who { of: active }', 'kill: { <<: *who }')).toEqual([
      'x.yaml:4:11: error[bad-yaml]: a drill has no anchors\n    4 |   - kill: &who { of: active }\n      |           ^^^^ write the value out where it belongs',
      'x.yaml:5:17: error[bad-yaml]: a drill has no aliases\n    5 |   - kill: { <<: *who }\n      |                 ^^^^ write it out; `repeat` does the same steps several times',
    ])
  })
})

describe('a file that is made to be dear', () => {
  /** The first message, and how many there are; each within a second. */
  const brief = (text: string) => {
    const begun = performance.now()
    const { diagnostics } = read(text)
    const [first] = diagnostics
    expect(performance.now() - begun).toBeLessThan(10_000)
    return [diagnostics.length, first && formatDiagnostic(first).split('\n')[0]]
  }

  test('has no aliases that grow', () => {
    const names = 'abcdefghijklmnop'.split('')
    const text = names.map((name, i) => `${name}: &${name} [${`*${names[i - 1] ?? name},`.repeat(10)}]\n`).join('')
    expect(brief(text)[1]).toBe('x.yaml:1:4: error[bad-yaml]: a drill has no anchors')
  })

  test('is refused when it is nested too deeply', () => {
    expect(brief(`${HEAD}steps: ${'['.repeat(100_000)}`)[1]).toContain('nested too deeply')
  })

  test('is refused unread with 100 000 lines', () => {
    expect(brief(`${HEAD}steps:\n${'  - wait: 1 s\n'.repeat(100_000)}`)).toEqual([
      1,
      'x.yaml:1:1: error[too-long]: longer than 1000000 characters',
    ])
  })

  test('is refused with 100 000 lines that are short enough to be read', () => {
    expect(brief(`${HEAD}steps:\n${'- say: a\n'.repeat(100_000)}`)).toEqual([
      1,
      'x.yaml:1:1: error[bad-value]: more than 10000 steps or claims',
    ])
  })

  test('is told no more than a thousand mistakes', () => {
    expect(brief(`${HEAD}steps:\n${'- sya: a\n'.repeat(10_000)}`)[0]).toBe(1001)
  })

  test('is refused with repetitions of repetitions', () => {
    const twice = (inside: string) => `{ times: 10000, steps: [ repeat: ${inside} ] }`
    expect(ofSteps(`repeat: ${twice('{ times: 2, steps: [ stop: active ] }')}`)).toEqual(
      picture(
        'x.yaml:4:22: error[bad-value]: more than 10000 steps',
        '    4 |   - repeat: { times: 10000, steps: [ repeat: { times: 2, steps: [ stop: active ] } ] }',
        '      |                      ^^^^^ repetitions count, too',
      ),
    )
  })
})
