import { isMap, isSeq, type Node } from 'yaml'
import { NEEDS, type Need, type PairSource } from '../drill.ts'
import {
  choice,
  type Kind,
  needed,
  oneOrMore,
  optional,
  otherwise,
  PATTERN,
  placed,
  readParameters,
  record,
  TEXT,
  whole,
} from './kinds.ts'
import { type Traffic, TRAFFIC_KIND } from './traffic.ts'

const NO_LIST = 'write each on a line of its own after a dash, or all in brackets: [ … ]'

/** A list of what one kind reads. */
function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    text: `a list, each ${kind.text}`,
    schema: { type: 'array', items: kind.schema },
    read(node, complaints) {
      if (!isSeq(node)) {
        complaints.bad(node, 'this is not a list', NO_LIST)
        return undefined
      }
      const values = (node.items as Node[]).map((item) => kind.read(item, complaints))
      return values.includes(undefined) ? undefined : (values as T[])
    },
  }
}

/** What is in it is read by `read.ts`: a step or a claim needs its place. */
const ITEMS: Kind<true> = {
  text: 'a list',
  schema: { type: 'array' },
  read(node, complaints) {
    if (isSeq(node)) return true
    complaints.bad(node, 'this is not a list', NO_LIST)
    return undefined
  },
}

export const PAIR_PARAMETERS = {
  file: optional(oneOrMore(TEXT), 'configuration files, relative to this one: one for each director, or one for both'),
  text: optional(TEXT, 'or the configuration itself, for both'),
  priorities: optional(
    oneOrMore(whole(1, 255)),
    'priority of all instances of the first and of the second director, in place of what the file says',
  ),
  change: otherwise(
    listOf(
      record('a replacement', {
        replace: needed(PATTERN, 'a regular expression'),
        by: needed(TEXT, 'what stands there then'),
      }),
    ),
    [],
    'what is replaced in each file, everywhere in it',
  ),
} as const

const PAIR: Kind<PairSource> = {
  ...record('a pair of configurations', PAIR_PARAMETERS),
  read(node, complaints) {
    if (!isMap(node)) {
      complaints.bad(node, 'this is no pair of configurations', 'such as { file: ../dr.conf, priorities: [150, 100] }')
      return undefined
    }
    const read = readParameters(node, PAIR_PARAMETERS, { bad: placed(node, complaints) })
    if (read === undefined) return undefined
    const { file, text, priorities, change } = read
    if ((file === undefined) === (text === undefined)) {
      complaints.bad(
        node,
        'a pair has either a file or a text',
        'file: a path relative to this file; text: the configuration',
      )
      return undefined
    }
    if ((file?.length ?? 1) > 2) {
      complaints.bad(node.get('file', true), 'a pair is two directors', 'one file for both, or two')
      return undefined
    }
    if ((priorities ?? [0, 0]).length !== 2) {
      complaints.bad(node.get('priorities', true), 'a pair is two directors', 'two priorities, such as [150, 100]')
      return undefined
    }
    return {
      from: file === undefined ? { text: text ?? '' } : { files: file },
      priorities: priorities && [priorities[0] ?? 0, priorities[1] ?? 0],
      changes: change,
    }
  },
}

/** What stands at the top of a drill. */
export const HEAD = {
  drill: needed(TEXT, 'what happens, in a few words'),
  why: needed(TEXT, 'what it shows, and why that matters'),
  promise: optional(TEXT, 'the figure that is promised, for people'),
  'cannot run': optional(TEXT, 'why it cannot be run; it is in the book for completeness'),
  'not keepalived': optional(TEXT, 'why keepalived cannot be a director in it'),
  pair: optional(PAIR, 'the pair that it runs with when no other one is named'),
  needs: otherwise(listOf(choice(...(Object.keys(NEEDS) as Need[]))), [], 'what a pair must have for it'),
  traffic: otherwise<readonly Traffic[]>(listOf(TRAFFIC_KIND), [], 'what the client does all the while'),
  steps: otherwise(ITEMS, true, 'what happens, in order'),
  claims: otherwise(ITEMS, true, 'what must hold when all steps are done, of the whole drill'),
} as const
