import { expect, test } from 'vitest'
import { markdownTable, terminalTable } from '../../../src/drill/report/table.ts'
import { crowded, failedStep, hostile, repeated, takeover, tooLong } from '../recorded.ts'

const PLAIN = { hasColours: false }
const mixed = takeover(3100, { directors: { director1: 'tanist', director2: 'keepalived' } })

test('of one program the table has a row for each drill', () => {
  expect(terminalTable([takeover(3205), takeover(2900), failedStep()], PLAIN).split('\n')).toEqual([
    '                                    │ Tanist',
    '                                    │                                  two    no',
    '# drill                             │ held median  p95 largest lost owners owner',
    '────────────────────────────────────┼───────────────────────────────────────────',
    '7 The cable of the master is pulled │  2/2   2900 3205    3205 3205   5105     0',
    '  A reload by hand                  │  0/1      0    0       0    0      0     0',
    '',
    'held: runs in which all held, of all. median, p95, largest: of the longest outages of the runs, in ms. lost (probes),',
    'two owners and no owner (ms): of the worst run.',
  ])
})

test('of two programs the columns stand beside each other, within 120 columns, also with long names', () => {
  const lines = terminalTable([...repeated(30), crowded()], PLAIN).split('\n')
  expect(lines.slice(0, 9)).toEqual([
    '                             │ Tanist                                      │ keepalived',
    '                             │                                   two    no │                                   two    no',
    ' # drill                     │  held median  p95 largest lost owners owner │  held median  p95 largest lost owners owner',
    '─────────────────────────────┼─────────────────────────────────────────────┼────────────────────────────────────────────',
    ' 7 The cable of the master   │ 30/30   3176 3593    3598 3598   5281     0 │ 30/30   3235 3645    3689 3689   5184     0',
    '   is pulled                 │                                             │',
    '31 Thirty servers fail       │   1/1    800  800     800 1400      0   498 │     –      –    –       –    –      –     –',
    '   within a third of a       │                                             │',
    '   second while the          │                                             │',
  ])
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(120)
})

test('with directors of different programs there is a row for each pair of them', () => {
  const lines = terminalTable([...repeated(1), mixed], PLAIN).split('\n')
  expect(lines.filter((line) => line.includes('is pulled ('))).toEqual([
    expect.stringContaining('7 The cable of the master is pulled (Tanist)'),
    expect.stringContaining('7 The cable of the master is pulled (keepalived)'),
    expect.stringContaining('7 The cable of the master is pulled (Tanist with keepalived)'),
  ])
})

test('a drill that did not hold is red where colours are wanted', () => {
  const lines = terminalTable([takeover(), tooLong({ drill: failedStep().drill })], { hasColours: true }).split('\n')
  expect(lines.filter((line) => line.includes('\u001b'))).toEqual([
    expect.stringContaining('\u001b[31m  A reload by hand'),
  ])
})

test('a name without a blank is broken, and no name commands a terminal', () => {
  const long = { ...takeover().drill, name: 'x'.repeat(300) }
  for (const line of terminalTable([takeover(1, { drill: long }), hostile()], PLAIN).split('\n')) {
    expect(line.length).toBeLessThanOrEqual(120)
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
  }
})

test('without any run there is a table without rows', () => {
  expect(terminalTable([], PLAIN)).toContain('# drill')
  expect(markdownTable([], 'tanist drill run')).toMatch(/^`tanist drill run`\n/)
})

test('in Markdown the date and the command line stand above the table', () => {
  const text = markdownTable([takeover(3205), failedStep()], 'tanist drill run drills/*.yaml')
  expect(text.split('\n').slice(0, 6)).toEqual([
    '2026-11-29 08:19:15 UTC: `tanist drill run drills/*.yaml`',
    '',
    '| # | drill | held | median | p95 | largest | lost | two owners | no owner |',
    '|--:|:--|--:|--:|--:|--:|--:|--:|--:|',
    '| 7 | The cable of the master is pulled | 1/1 | 3205 | 3205 | 3205 | 3205 | 4800 | 0 |',
    '|  | A reload by hand | 0/1 | 0 | 0 | 0 | 0 | 0 | 0 |',
  ])
})

test('in Markdown the columns of two programs are named after them', () => {
  const [, , titles = '', , row = ''] = markdownTable(repeated(3), 'x').split('\n')
  expect(titles).toContain('| Tanist: held | Tanist: median |')
  expect(titles).toContain('| keepalived: two owners | keepalived: no owner |')
  expect(row.split('|')).toHaveLength(titles.split('|').length)
})

test('in Markdown nothing of a name or a command line is markup', () => {
  const text = markdownTable([hostile()], 'run `x` ``y``')
  expect(text).toContain('``` run `x` ``y`` ```')
  const row = text.split('\n')[4] ?? ''
  expect(row).toContain(String.raw`\<script\>`)
  expect(row).toContain(String.raw`\| \*\*b\*\*`)
  expect(row.match(/(?<!\\)\|/g)).toHaveLength(10)
})
