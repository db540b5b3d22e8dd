import type { Action } from './action.ts'
import { COURSE } from './actions/course.ts'
import { DAEMONS } from './actions/daemons.ts'
import { NETWORKS } from './actions/networks.ts'
import { OPERATIONS } from './actions/operations.ts'
import { SERVERS_AND_SCRIPTS } from './actions/servers.ts'
import { STRANGERS } from './actions/strangers.ts'
import { CONDITIONS, type ConditionForm, FIGURES, type FigureForm } from './conditions.ts'
import { HEAD, PAIR_PARAMETERS } from './head.ts'
import { type Parameters, PROMISES } from './kinds.ts'
import { TRAFFIC } from './traffic.ts'
import { NEEDS } from '../drill.ts'

/** Actions as people look for them. All of `ACTIONS`, once: a test compares. */
export const CHAPTERS: Readonly<Record<string, Readonly<Record<string, Action>>>> = {
  'The course of a drill': COURSE,
  'Processes of a director': DAEMONS,
  'Cables, links and packets': NETWORKS,
  'Real servers and scripts': SERVERS_AND_SCRIPTS,
  'What operators do': OPERATIONS,
  'What strangers do': STRANGERS,
}

/** The reference of the language as Markdown, without a title of its own: headings of the third and fourth level. */
export function drillReference(): string {
  const parts = [
    '### The file',
    table('word', HEAD),
    'A pair of configurations (`pair`):',
    table('word', PAIR_PARAMETERS),
    'What a pair can need (`needs`):',
    rows(['word', 'what the pair must have'], Object.entries(NEEDS)),
    '### Traffic',
    'What the client does while the steps are done; claims of what it has met need it.',
    ...forms(TRAFFIC),
    '### Actions',
    'A step is one action. Its value stands for the word in **bold**, or is a map of several words. Each leaves the pair as it was: what is not undone by a later step is undone at the end, also after an interruption.',
    'The one step that is no action: `repeat: { times: 3, steps: [ … ] }` does the same steps several times.',
    ...Object.entries(CHAPTERS).flatMap(([title, actions]) => [`#### ${title}`, ...forms(actions, afterwards)]),
    '### Conditions',
    'What can be waited for (`wait for`), and claimed of one moment.',
    ...forms(CONDITIONS),
    '### Figures',
    'What can be claimed of a part of the drill: from the first step on, or from the last `measure`. Claims at the end of the file are of the whole drill.',
    ...forms(FIGURES, ofTraffic),
    '### Promises of a configuration',
    'Words that stand for a duration where a limit is wanted, alone or in a sum such as `takeover + 1 s`.',
    rows(['word', 'how long'], Object.entries(PROMISES)),
  ]
  return `${parts.join('\n\n')}\n`
}

const hasMapAlone = ({ main, parameters }: ConditionForm) => main !== undefined && parameters[main]?.kind.isMap === true

const ofTraffic = ({ measures }: FigureForm) =>
  measures === undefined ? '' : ` Needs traffic: ${measures.join(' or ')}.`

const afterwards = ({ undo, labOnly }: Action) =>
  `${undo === undefined ? '' : ` Undone: ${undo}.`}${labOnly === undefined ? '' : ` In the lab only: ${labOnly}.`}`

function forms<F extends ConditionForm>(
  all: Readonly<Record<string, F>>,
  more: (form: F) => string = () => '',
): readonly string[] {
  return Object.entries(all).flatMap(([name, form]) => [
    `**\`${name}\`** – ${form.says}.${more(form)}`,
    `    - ${form.example}`,
    // A map that is the value itself has no other way to be written.
    ...(Object.keys(form.parameters).length === 0 || hasMapAlone(form)
      ? []
      : [table('word', form.parameters, form.main)]),
  ])
}

const table = (title: string, parameters: Parameters, main?: string) =>
  rows(
    [title, 'value', ''],
    Object.entries(parameters).map(([name, { kind, says, isRequired }]) => [
      name === main ? `**\`${name}\`**` : `\`${name}\``,
      `${kind.text}${isRequired ? '' : ' (optional)'}`,
      says,
    ]),
  )

const rows = (titles: readonly string[], lines: readonly (readonly string[])[]) =>
  [
    titles,
    titles.map(() => '---'),
    ...lines.map(([word = '', ...more]) => [word.includes('`') ? word : `\`${word}\``, ...more]),
  ]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n')
