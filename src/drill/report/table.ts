import type { Recording } from '../recording.ts'
import { byDrill, type Summary, summaryOf } from './figures.ts'
import { printable } from './printable.ts'
import { dateAndTime, inMs } from './units.ts'

interface Column {
  readonly title: string
  of(summary: Summary): string
}

const ABSENT = '–'
const ms = (value: number | undefined) => (value === undefined ? ABSENT : inMs(value))

const COLUMNS: readonly Column[] = [
  { title: 'held', of: ({ held, runs }) => `${held}/${runs}` },
  { title: 'median', of: ({ outageMs }) => ms(outageMs?.median) },
  { title: 'p95', of: ({ outageMs }) => ms(outageMs?.p95) },
  { title: 'largest', of: ({ outageMs }) => ms(outageMs?.max) },
  { title: 'lost', of: ({ lost }) => (lost === undefined ? ABSENT : `${lost}`) },
  { title: 'two owners', of: ({ twoOwnersMs }) => ms(twoOwnersMs) },
  { title: 'no owner', of: ({ noOwnerMs }) => ms(noOwnerMs) },
]

const COLUMNS_SAY =
  'held: runs in which all held, of all. median, p95, largest: of the longest outages of the runs, in ms. lost (probes), two owners and no owner (ms): of the worst run.'

/** A row: a drill, and what it came to with each of the programs that have columns. */
interface Row {
  readonly number: string
  readonly name: string
  readonly summaries: readonly (Summary | undefined)[]
}

interface Table {
  /** Above the columns of each; one without a name when there is nothing to compare. */
  readonly programs: readonly string[]
  readonly rows: readonly Row[]
}

/** Two programs stand beside each other. More, as when each director runs its own, would not fit: they get rows of their own. */
const BESIDE = 2

function tableOf(recordings: readonly Recording[]): Table {
  const drills = byDrill(recordings)
  const all = [...new Set(drills.flatMap(({ byPrograms }) => byPrograms.map(({ programs }) => programs)))]
  const isBeside = all.length <= BESIDE
  const rows = drills.flatMap(({ drill, byPrograms }): readonly Row[] => {
    const number = drill.number === undefined ? '' : `${drill.number}`
    const name = printable(drill.name)
    if (!isBeside) {
      return byPrograms.map(({ programs, runs }) => ({
        number,
        name: `${name} (${programs})`,
        summaries: [summaryOf(runs)],
      }))
    }
    const summaries = all.map((wanted) => {
      const found = byPrograms.find(({ programs }) => programs === wanted)
      return found && summaryOf(found.runs)
    })
    return [{ number, name, summaries }]
  })
  return { programs: isBeside ? all : [''], rows }
}

const cellsOf = (summary: Summary | undefined) =>
  COLUMNS.map((column) => (summary === undefined ? ABSENT : column.of(summary)))

/** Columns of a terminal that a table takes at most. */
const TERMINAL_WIDTH = 120
/** Of the column with the names: what a figure of seven digits in every column leaves. */
const LEAST_NAME_WIDTH = 16

/** At blanks; a word that is longer than a line is broken. */
function wrapped(text: string, width: number): readonly string[] {
  const done: string[] = []
  let line = ''
  for (const word of text.split(/ +/)) {
    const pieces = Array.from({ length: Math.ceil(word.length / width) }, (_, i) =>
      word.slice(i * width, (i + 1) * width),
    )
    for (const piece of pieces) {
      if (line === '') line = piece
      else if (line.length + 1 + piece.length <= width) line += ` ${piece}`
      else {
        done.push(line)
        line = piece
      }
    }
  }
  return [...done, line]
}

const BETWEEN = ' '
const PROGRAMS_APART = ' │ '

/** For a terminal of 120 columns, without a newline at the end. Rows of which not all held are red. */
export function terminalTable(
  recordings: readonly Recording[],
  { hasColours }: { readonly hasColours: boolean },
): string {
  const { programs, rows } = tableOf(recordings)
  const titles = COLUMNS.map(({ title }) => title.split(' '))
  const cells = rows.map(({ summaries }) => summaries.map(cellsOf))
  const widths = programs.map((_, p) =>
    COLUMNS.map((_, c) =>
      Math.max(...(titles[c] ?? []).map((word) => word.length), ...cells.map((row) => row[p]?.[c]?.length ?? 0)),
    ),
  )
  const groupWidths = widths.map((each) => each.reduce((sum, width) => sum + width + BETWEEN.length, -BETWEEN.length))
  const numberWidth = Math.max(1, ...rows.map(({ number }) => number.length))
  const figuresWidth = groupWidths.reduce((sum, width) => sum + width + PROGRAMS_APART.length, 0)
  const nameSpace = Math.max(LEAST_NAME_WIDTH, TERMINAL_WIDTH - numberWidth - BETWEEN.length - figuresWidth)
  const nameWidth = Math.min(nameSpace, Math.max('drill'.length, ...rows.map(({ name }) => name.length)))

  const lineOf = (number: string, name: string, groups: readonly string[]) =>
    [`${number.padStart(numberWidth)}${BETWEEN}${name.padEnd(nameWidth)}`, ...groups].join(PROGRAMS_APART).trimEnd()
  const groupsOf = (textOf: (program: number, column: number) => string) =>
    widths.map((each, p) => each.map((width, c) => textOf(p, c).padStart(width)).join(BETWEEN))

  const lines: string[] = []
  if (programs.some((name) => name !== '')) {
    const names = programs.map((name, p) => name.padEnd(groupWidths[p] ?? 0))
    lines.push(lineOf('', '', names))
  }
  // Titles of two words stand in two lines, those of one in the lower one.
  lines.push(
    lineOf(
      '',
      '',
      groupsOf((_, c) => (titles[c]?.length === 2 ? (titles[c][0] ?? '') : '')),
    ),
  )
  lines.push(
    lineOf(
      '#',
      'drill',
      groupsOf((_, c) => titles[c]?.at(-1) ?? ''),
    ),
  )
  const ruled = ['─'.repeat(numberWidth + BETWEEN.length + nameWidth), ...groupWidths.map((w) => '─'.repeat(w))]
  lines.push(ruled.join('─┼─'))
  for (const [r, { number, name, summaries }] of rows.entries()) {
    const isBad = summaries.some((summary) => summary !== undefined && summary.held < summary.runs)
    for (const [i, part] of wrapped(name, nameWidth).entries()) {
      const groups = groupsOf((p, c) => (i === 0 ? (cells[r]?.[p]?.[c] ?? '') : ''))
      const line = lineOf(i === 0 ? number : '', part, groups)
      lines.push(isBad && hasColours ? `\x1b[31m${line}\x1b[39m` : line)
    }
  }
  return [...lines, '', ...wrapped(COLUMNS_SAY, TERMINAL_WIDTH)].join('\n')
}

/** In a table's cell: nothing in it is Markdown or HTML. */
const inMarkdown = (text: string) => printable(text).replaceAll(/[\\|`*_[\]<>&~#]/g, (character) => `\\${character}`)

/** Whatever is in it: a fence is longer than all backticks inside. */
function asCode(text: string): string {
  const shown = printable(text)
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const apart = longest > 0 ? ' ' : ''
  return `${fence}${apart}${shown}${apart}${fence}`
}

/** As Markdown, with a newline at the end. `commandLine`: what made it. */
export function markdownTable(recordings: readonly Recording[], commandLine: string): string {
  const { programs, rows } = tableOf(recordings)
  const startedAt = recordings.reduce((first, each) => Math.min(first, each.startedAt), Number.POSITIVE_INFINITY)
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const isOne = programs.length === 1
  const titles = programs.flatMap((name) => COLUMNS.map(({ title }) => (isOne ? title : `${name}: ${title}`)))
  const date = recordings.length === 0 ? '' : `${dateAndTime(startedAt)} UTC: `
  const which = isOne && programs[0] !== '' ? ` With ${programs[0]}.` : ''
  return [
    `${date}${asCode(commandLine)}`,
    '',
    row(['#', 'drill', ...titles]),
    `|${['--:', ':--', ...titles.map(() => '--:')].join('|')}|`,
    ...rows.map(({ number, name, summaries }) => row([number, inMarkdown(name), ...summaries.flatMap(cellsOf)])),
    '',
    `${COLUMNS_SAY}${which}`,
    '',
  ].join('\n')
}
