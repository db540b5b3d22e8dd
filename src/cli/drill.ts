import { statSync } from 'node:fs'
import { join, dirname } from 'node:path'
import type { Command } from 'commander'
import { type Diagnostic, errorsFirst, formatDiagnostic } from '../config/diagnostic.ts'
import { type Drill, NEEDS } from '../drill/drill.ts'
import { CHAPTERS } from '../drill/language/reference.ts'
import { claimSentence, stepSentence, trafficSentence } from '../drill/language/sentences.ts'
import { type DrillFile, drillFileOf, drillFilesOf, loadPair, readDrillFile } from './drill-book.ts'

/** There is no such drill in the book. */
const EXIT_NONE = 1
/** A file cannot be read, or has mistakes: as `tanistd -t` ends. */
const EXIT_UNREADABLE = 4
const EXIT_REFUSED = 5

/** Adds `drill`: failure drills, as files. Returns it, for what runs them. */
export function addDrillCommands(program: Command): Command {
  const drill = program.command('drill').description('failure drills: list, explain, check and run them')
  drill
    .command('list')
    .argument('[folder]', 'of drills; the drill book without')
    .description('list drills: number, name, promise, and whether they can run here and with keepalived')
    .option('--actions', 'list what a drill can do instead, with an example each')
    .option('--json', 'as JSON')
    .action((folder: string | undefined, { actions, json }: { actions?: true; json?: true }) => {
      process.exitCode = actions === true ? listActions(json === true) : listDrills(folder, json === true)
    })
  drill
    .command('explain')
    .argument('<drill>', 'a file, or a number of the drill book')
    .description(
      'say what a drill shows and why, what it does step by step, what it claims, and what a pair needs for it',
    )
    .action((word: string) => {
      process.exitCode = explain(word)
    })
  drill
    .command('check')
    .argument('<drills...>', 'files, or numbers of the drill book')
    .description('show all mistakes of drills, and of the configurations that they name; runs nothing')
    .action((words: readonly string[]) => {
      process.exitCode = Math.max(...words.map(checkDrill))
    })
  return drill
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const complain = (text: string) => process.stderr.write(`tanist: ${text}\n`)
const show = (diagnostics: readonly Diagnostic[]) => {
  for (const each of errorsFirst(diagnostics)) process.stderr.write(`${formatDiagnostic(each, process.stderr.isTTY)}\n`)
}

/** All drills of files, folders and numbers of the book. Undefined: what is wrong with them has been shown. */
export function drillsOf(words: readonly string[]): readonly Drill[] | undefined {
  const drills = words.flatMap((word): readonly (Drill | number)[] => {
    const file = drillFileOf(word)
    if (file === undefined) {
      complain(`the drill book has no drill ${word}`)
      return [EXIT_NONE]
    }
    const files = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true ? drillFilesOf(file) : [file]
    if ('unreadable' in files) {
      complain(files.unreadable)
      return [EXIT_UNREADABLE]
    }
    return files.map((each) => drillIn(readDrillFile(each)))
  })
  return drills.some((each) => typeof each === 'number') ? undefined : drills.filter((each) => typeof each !== 'number')
}

/** The drill of a file, when it has no mistake; otherwise these have been shown. */
function drillIn(read: DrillFile): Drill | number {
  if ('unreadable' in read) {
    complain(read.unreadable)
    return EXIT_UNREADABLE
  }
  show(read.diagnostics)
  return read.drill ?? EXIT_REFUSED
}

function listDrills(folder: string | undefined, isJson: boolean): number {
  const files = drillFilesOf(folder)
  if ('unreadable' in files) {
    complain(files.unreadable)
    return EXIT_UNREADABLE
  }
  const found = files.map((file) => drillIn(readDrillFile(file)))
  const drills = found.filter((each) => typeof each !== 'number')
  if (isJson) say(JSON.stringify(drills.map(summary), undefined, 2))
  else process.stdout.write(tableOf(drills))
  return Math.max(0, ...found.map((each) => (typeof each === 'number' ? each : 0)))
}

const summary = ({ file, number, name, promise, cannotRun, notKeepalived, needs }: Drill) => ({
  file,
  number: number ?? null,
  name,
  promise: promise ?? null,
  cannotRun: cannotRun ?? null,
  notKeepalived: notKeepalived ?? null,
  needs,
})

function tableOf(drills: readonly Drill[]): string {
  const rows = [
    ['NO', 'DRILL', 'RUNS', 'KEEPALIVED', 'PROMISE'],
    ...drills.map(({ number, name, promise, cannotRun, notKeepalived }) => [
      number === undefined ? '-' : String(number).padStart(2, '0'),
      name,
      cannotRun === undefined ? 'yes' : 'no',
      cannotRun === undefined && notKeepalived === undefined ? 'yes' : 'no',
      promise ?? '',
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

function listActions(isJson: boolean): number {
  if (isJson) {
    const all = Object.values(CHAPTERS).flatMap((actions) =>
      Object.entries(actions).map(([name, { says, undo, labOnly, example }]) => ({
        name,
        says,
        undo: undo ?? null,
        labOnly: labOnly ?? null,
        example,
      })),
    )
    say(JSON.stringify(all, undefined, 2))
    return 0
  }
  const chapters = Object.entries(CHAPTERS).map(([title, actions]) =>
    [
      title,
      ...Object.entries(actions).flatMap(([name, { says, labOnly, example }]) => [
        `  ${name}${labOnly === undefined ? '' : ' (in the lab only)'}`,
        ...folded(`${says}.`, '      '),
        `      - ${example}`,
      ]),
    ].join('\n'),
  )
  say(chapters.join('\n\n'))
  return 0
}

const WIDTH = 110

/** Text in lines of a width for people. */
function folded(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, indent + line]
}

/** A file by what the command line says; undefined, with a message: the book has no such number. */
function fileOf(word: string): string | undefined {
  const file = drillFileOf(word)
  if (file === undefined) complain(`the drill book has no number ${word}; \`tanist drill list\` shows all`)
  return file
}

function explain(word: string): number {
  const file = fileOf(word)
  if (file === undefined) return EXIT_NONE
  const drill = drillIn(readDrillFile(file))
  if (typeof drill === 'number') return drill
  say(explanation(drill))
  return 0
}

const sentence = (text: string) => `${(text[0] ?? '').toUpperCase()}${text.slice(1)}`

/** A list of sentences with their numbers, or with dashes. */
const listOf = (items: readonly string[], isNumbered: boolean) =>
  items.flatMap((item, i) => {
    const mark = isNumbered ? `${String(i + 1).padStart(4)}. ` : '   - '
    return folded(item, ' '.repeat(mark.length)).map((line, n) => (n === 0 ? mark + line.trimStart() : line))
  })

function explanation(drill: Drill): string {
  const { number, name, why, promise, cannotRun, notKeepalived, needs, traffic, steps, claims } = drill
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines])
  const paragraph = (title: string, text: string | undefined) =>
    text === undefined ? [] : part(title, folded(`${sentence(text)}.`, '  '))
  return [
    `${number === undefined ? '' : `${String(number).padStart(2, '0')}: `}${name}`,
    '',
    ...folded(why, '  '),
    ...paragraph('Promise', promise),
    ...paragraph('Cannot be run', cannotRun),
    ...paragraph('Not with keepalived', notKeepalived),
    ...part(
      'The client, all the while',
      listOf(
        traffic.map((each) => sentence(trafficSentence(each))),
        false,
      ),
    ),
    ...part(
      'Step by step',
      listOf(
        steps.map((step) => sentence(stepSentence(step))),
        true,
      ),
    ),
    ...part(
      'Claims of the whole drill',
      listOf(
        claims.map(({ claim }) => sentence(claimSentence(claim))),
        false,
      ),
    ),
    ...part('A pair needs', listOf([...pairOf(drill), ...needs.map((need) => sentence(NEEDS[need]))], false)),
  ].join('\n')
}

function pairOf({ file, pair, cannotRun }: Drill): readonly string[] {
  if (pair === undefined && cannotRun !== undefined) return []
  if (pair === undefined) return ['Two configurations: the drill names none of its own']
  const { from, priorities } = pair
  const where = 'text' in from ? 'its own text' : from.files.map((name) => join(dirname(file), name)).join(' and ')
  const priority = priorities === undefined ? '' : `, with the priorities ${priorities.join(' and ')}`
  return [`Two directors; without other ones they have ${where}${priority}`]
}

/** Shows all mistakes of a drill, and of its pair. Returns what the program ends with for it. */
function checkDrill(word: string): number {
  const file = fileOf(word)
  if (file === undefined) return EXIT_NONE
  const drill = drillIn(readDrillFile(file))
  if (typeof drill === 'number') return drill
  const loaded = drill.pair === undefined ? [] : loadPair(drill.pair, file)
  if ('unreadable' in loaded) {
    complain(loaded.unreadable)
    return EXIT_UNREADABLE
  }
  const wrong = loaded.filter(({ config }) => config === undefined)
  // Both directors mostly have one text, with the same mistakes.
  show(wrong[0]?.diagnostics ?? [])
  if (wrong.length > 0) return EXIT_REFUSED
  say(`${file}: good`)
  return 0
}
