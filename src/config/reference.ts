import { addressOptions } from './keywords/address-line.ts'
import { root } from './keywords/root.ts'
import { allRouteOptions } from './keywords/route-line.ts'
import { ruleOptions } from './keywords/rule-line.ts'
import { groupMember } from './keywords/virtual-server.ts'
import type { Entries } from './schema/entry.ts'
import type { Status } from './schema/status.ts'
import type { OptionSpec } from './schema/syntax.ts'

/** A keyword as the reference shows it. */
export interface KeywordRow {
  /** The block that it stands in: `/vrrp_instance/authentication`, `/` for the top level. */
  readonly block: string
  readonly keyword: string
  /** What follows it. */
  readonly syntax: string
  readonly help: string
  /** What holds when it is not said. */
  readonly fallback: string | undefined
  readonly status: Status
}

const works: Status = { effect: 'works' }

/** Statements that are dealt with before keywords are looked at; they may stand in every block. */
const PREPROCESSOR: readonly (readonly [keyword: string, syntax: string, help: string])[] = [
  [
    '! or #',
    '<comment>',
    'The rest of the line is a comment, unless in double quotes; \\! and \\# are the characters.',
  ],
  [
    'include',
    '<pattern>',
    'Reads other regular files here; *, ?, [...] and {a,b} stand for several. A plain name must be there; where nothing matches, a warning says so.',
  ],
  ['includer', '<pattern>', 'As include; each file must be readable.'],
  ['includem', '<pattern>', 'As include; something must match, unless there are wildcards.'],
  ['includew', '<pattern>', 'As include; something must match, also with wildcards.'],
  ['includeb', '<pattern>', 'As include; each alternative in braces must match.'],
  ['includea', '<pattern>', 'As include, with all of these requirements.'],
  ['$NAME=', '<value>', 'Defines a name from here on; a value that ends in \\ goes on in the next line.'],
  ['${NAME}', '', 'The value of a name; also $NAME before a blank, a comma, a closing parenthesis or the end.'],
  ['@ID', '<line>', 'The line counts only where the config-id (-i, or the short host name) is ID.'],
  ['@^ID', '<line>', 'The line counts only where it is not ID.'],
  ['~SEQ', '(<name>, [<start>, [<step>,]] <end>) <line>', 'The line once for each number.'],
  ['~SEQx', '(<name>, [<start>, [<step>,]] <end>) <line>', 'As ~SEQ, with the numbers in hexadecimal.'],
  ['~LST', '(<name>, <value>, …) <line>', 'The line once for each value; {a,b} for several names at once.'],
  ['${_PWD}', '', 'The directory of this file.'],
  ['${_INSTANCE}', '', 'The config-id.'],
  ['${_RANDOM}', '[<least> [<greatest>]]', 'A random number; default from 0 to 32767.'],
  ['${_ENV}', '<name>', 'An environment variable; empty when it is not set.'],
  ['${_HASH}', '', 'The character #; at the beginning of a line it begins a comment.'],
  ['${_BANG}', '', 'The character !; at the beginning of a line it begins a comment.'],
]

/** Every keyword, in the order of the manual. */
export function listKeywords(): KeywordRow[] {
  return [
    ...PREPROCESSOR.map(([keyword, syntax, help]) => ({
      block: '(preprocessor)',
      keyword,
      syntax,
      help,
      fallback: undefined,
      status: works,
    })),
    ...rowsOf(root, ''),
    ...groupRows(),
    ...optionRows('(value-line option) address', addressOptions, works),
    {
      block: '(value-line option) route',
      keyword: 'to',
      syntax: '[<type>] <prefix>|default',
      help: 'The destination; the word may be left out.',
      fallback: undefined,
      status: root.static_routes.status,
    },
    ...optionRows('(value-line option) route', allRouteOptions, root.static_routes.status),
    ...optionRows('(value-line option) rule', ruleOptions, root.static_rules.status),
  ]
}

function rowsOf(entries: Entries, path: string): KeywordRow[] {
  return Object.entries(entries).flatMap(([keyword, entry]) => {
    const row = {
      block: path === '' ? '/' : path,
      keyword,
      syntax: entry.syntax,
      help: entry.help,
      fallback: entry.fallback,
      status: entry.status,
    }
    if (entry.body === undefined) return [row]
    // What stands in a block without effect has none either.
    const inner = rowsOf(entry.body, `${path}/${keyword}`)
    const { status } = entry
    return [row, ...(status.effect === 'works' ? inner : inner.map((each) => ({ ...each, status })))]
  })
}

function groupRows(): KeywordRow[] {
  const block = '/virtual_server_group'
  const [address = '', fwmark = ''] = groupMember.text.split('|fwmark')
  const row = { block, fallback: undefined, status: root.virtual_server_group.status }
  return [
    { ...row, keyword: '(address line)', syntax: address, help: 'Addresses and ports of the virtual server.' },
    { ...row, keyword: 'fwmark', syntax: fwmark.trim(), help: 'A firewall mark of the virtual server.' },
  ]
}

/** Options of a line, which has this status. */
function optionRows(block: string, options: Readonly<Record<string, OptionSpec>>, status: Status): KeywordRow[] {
  return Object.entries(options).map(([keyword, { syntax, help, status: own }]) => ({
    block,
    keyword,
    syntax: syntax?.text ?? '',
    help,
    fallback: undefined,
    status: own ?? status,
  }))
}

/** What comes of a keyword, in a word or two. */
export function statusText(status: Status): string {
  switch (status.effect) {
    case 'works':
      return 'works'
    case 'later':
      return status.feature.lack === 'protection'
        ? `does not run yet, so tanistd needs --partial: ${status.feature.why}`
        : `accepted, not effective yet: ${status.feature.why}`
    case 'none':
      return `accepted without effect: ${status.why}`
    case 'refused':
      return `refused: ${status.why}`
  }
}
