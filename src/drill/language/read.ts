import {
  type Document,
  type ErrorCode,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import { closest, collectDiagnostics, type Diagnostic, type Report } from '../../config/diagnostic.ts'
import type { Source, Span } from '../../config/source.ts'
import type { Drill, Step, WrittenClaim } from '../drill.ts'
import { ACTIONS, type ActionName, type ActionStep } from './actions.ts'
import { type Claim, CLAIM, type FigureForm, FIGURES, readForm } from './conditions.ts'
import { HEAD } from './head.ts'
import { MOST_STEPS } from './limits.ts'
import { type Traffic, TRAFFIC } from './traffic.ts'
import { type Complaints, placed, readParameters, whole, wordOf } from './kinds.ts'

/** BOUNDED: characters of one file. */
const MOST_CHARACTERS = 1_000_000

/** What a file came to: the drill only when it has no mistake. */
export interface ReadDrill {
  readonly drill: Drill | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads a drill. All of its mistakes are told at once, each with its place. */
export function readDrill(source: Source): ReadDrill {
  const { diagnostics, report, errors } = collectDiagnostics()
  if (source.text.length > MOST_CHARACTERS) {
    report('too-long', { source, start: 0, end: 1 }, `longer than ${MOST_CHARACTERS} characters`, 'this is no drill')
    return { drill: undefined, diagnostics }
  }
  const document = parseDocument(source.text, { prettyErrors: false })
  reportYaml(document, source, report)
  if (errors() > 0) return { drill: undefined, diagnostics }
  const reader = new Reader(source, report)
  const drill = reader.drill(document.contents ?? undefined)
  return { drill: errors() > 0 ? undefined : drill, diagnostics }
}

/** In place of what the library says: the mistake, and what to write. Without an entry its own sentence is shown. */
const YAML_MISTAKES: Partial<Readonly<Record<ErrorCode, readonly [message: string, hint: string]>>> = {
  TAB_AS_INDENT: ['a tab where blanks belong', 'YAML is indented with blanks only'],
  DUPLICATE_KEY: ['this word is here already', 'each word once in a map; a step or a claim more begins with a dash'],
  MULTIPLE_DOCS: ['a second drill in one file', 'each drill has a file of its own'],
  BLOCK_AS_IMPLICIT_KEY: ['this line begins at another place than those above', 'indent what belongs together alike'],
  BAD_INDENT: ['a bracket is not closed before this line', 'end it with ] or }, or indent what goes on'],
  MISSING_CHAR: ['a quote or a bracket is not closed before here', 'end it where it began'],
  BAD_SCALAR_START: ['a text cannot begin with this character', 'write it in quotes'],
  RESOURCE_EXHAUSTION: ['nested too deeply', 'a drill needs no more than a few levels'],
}

const TWO_COLONS = ['two colons in one line', 'write a text that has a colon in quotes'] as const

/** Reports what is wrong with the text as YAML, and what of YAML a drill does not have. */
function reportYaml(document: Document.Parsed, source: Source, report: Report): void {
  const bad = ([start, end]: readonly [number, number, ...unknown[]], message: string, hint?: string) =>
    report('bad-yaml', { source, start, end: Math.max(start + 1, end) }, message, hint)
  for (const { code, message, pos } of firstOfLines([...document.errors, ...document.warnings], source.text)) {
    const [found, hint] = message.startsWith('Nested mappings')
      ? TWO_COLONS
      : (YAML_MISTAKES[code] ?? [sentence(message)])
    bad(pos, found, hint)
  }
  if (document.errors.length > 0) return
  visit(document, {
    Alias(_, { range }) {
      bad(range ?? [0, 0], 'a drill has no aliases', 'write it out; `repeat` does the same steps several times')
    },
    Node(_, node) {
      const { anchor, range } = node as { anchor?: string; range?: [number, number, number] | null }
      if (anchor === undefined) return
      const start = source.text.lastIndexOf(`&${anchor}`, range?.[0])
      bad([start, start + anchor.length + 1], 'a drill has no anchors', 'write the value out where it belongs')
    },
  })
}

/** One mistake leads to others behind it: of each line the first is shown. */
function firstOfLines(mistakes: readonly YAMLError[], text: string): readonly YAMLError[] {
  const lines = new Set<number>()
  return mistakes.filter(({ pos }) => {
    const line = text.lastIndexOf('\n', pos[0] - 1)
    return !lines.has(line) && lines.add(line)
  })
}

/** The library begins some of its messages with a capital and ends others with a place. */
const sentence = (message: string) => (message[0] ?? '').toLowerCase() + message.slice(1).replace(/ at line .*/s, '')

class Reader {
  readonly #source: Source
  readonly #report: Report
  readonly #complaints: Complaints

  constructor(source: Source, report: Report) {
    this.#source = source
    this.#report = report
    this.#complaints = { bad: (node, message, hint) => this.#report('bad-value', this.#span(node), message, hint) }
  }

  drill(root: Node | undefined): Drill | undefined {
    if (root === undefined || !isMap(root)) {
      const isEmpty = root === undefined || (isScalar(root) && root.value === null)
      const message = isEmpty ? 'there is nothing in this file' : 'this is no drill'
      this.#complaints.bad(root, message, 'a drill begins with `drill: its name`; then come why, steps and claims')
      return undefined
    }
    const first = root.items[0]?.key as Node | undefined
    const head = readParameters(root, HEAD, { bad: placed(first ?? root, this.#complaints) })
    const listOf = (name: string) => {
      const node = root.get(name, true) as Node | undefined
      return isSeq(node) ? (node.items as Node[]) : []
    }
    const [writtenSteps, writtenClaims] = [listOf('steps'), listOf('claims')]
    if (Math.max(writtenSteps.length, writtenClaims.length) > MOST_STEPS) {
      // Not one by one: their mistakes would take long to find.
      this.#complaints.bad(first, `more than ${MOST_STEPS} steps or claims`, 'make several drills of it')
      return undefined
    }
    const steps = writtenSteps.flatMap((node) => this.#steps(node))
    const claims = writtenClaims.flatMap((node) => this.#claim(node) ?? [])
    if (steps.length > MOST_STEPS)
      this.#complaints.bad(first, `more than ${MOST_STEPS} steps`, 'repetitions count, too')
    if (head === undefined) return undefined
    if (writtenSteps.length === 0 && head['cannot run'] === undefined) {
      this.#complaints.bad(first, 'this drill has no steps', 'write what happens, such as steps: [ stop: active ]')
    }
    this.#measured(steps, claims, head.traffic)
    const number = /(?:^|\/)(\d{2})-[^/]*$/.exec(this.#source.name)?.[1]
    return {
      file: this.#source.name,
      number: number === undefined ? undefined : Number(number),
      name: head.drill,
      why: head.why,
      promise: head.promise,
      cannotRun: head['cannot run'],
      notKeepalived: head['not keepalived'],
      pair: head.pair,
      needs: head.needs,
      traffic: head.traffic,
      steps,
      claims,
    }
  }

  #steps(node: Node): readonly Step[] {
    const [item, more] = isMap(node) ? node.items : []
    if (item === undefined || more !== undefined) {
      const hint = more === undefined ? 'such as - pull cable: active' : 'begin the next one with a dash'
      this.#complaints.bad((more?.key as Node | undefined) ?? node, 'a step is one action', hint)
      return []
    }
    const key = item.key as Node
    const value = (item.value as Node | null) ?? undefined
    const name = wordOf(key) ?? ''
    if (name === 'repeat') return this.#repeated(key, value)
    if (!Object.hasOwn(ACTIONS, name)) {
      const near = closest(name, [...Object.keys(ACTIONS), 'repeat'])
      const hint = near === undefined ? '`tanist drill list --actions` shows all' : `do you mean ${near}?`
      this.#report('unknown-keyword', this.#span(key), `unknown action \`${name}\``, hint)
      return []
    }
    const read = readForm(ACTIONS[name as ActionName], key, value, { bad: placed(key, this.#complaints) })
    if (read === undefined) return []
    // The table has made both from one entry.
    const step = { action: name, arguments: read } as ActionStep
    // A claim among the steps is told as one at the end of the file is.
    const text =
      name === 'claim' && value !== undefined
        ? this.#textOf(value).replace(/^\{ *(.*?) *\}$/, '$1')
        : this.#textOf(node)
    return [{ ...step, at: this.#span(key), text }]
  }

  #repeated(key: Node, value: Node | undefined): readonly Step[] {
    const map = value !== undefined && isMap(value) ? value : undefined
    const times = map?.get('times', true) as Node | undefined
    const steps = map?.get('steps', true) as Node | undefined
    const isWhole = times !== undefined && isSeq(steps) && steps.items.length > 0 && map?.items.length === 2
    if (!isWhole) {
      this.#complaints.bad(key, 'a repetition has times and steps', 'such as repeat: { times: 3, steps: [ … ] }')
      return []
    }
    const count = whole(1, MOST_STEPS).read(times, this.#complaints)
    const once = (steps.items as Node[]).flatMap((step) => this.#steps(step))
    if (count === undefined) return once
    if (count * once.length > MOST_STEPS) {
      this.#complaints.bad(times, `more than ${MOST_STEPS} steps`, 'repetitions count, too')
      return once
    }
    return Array.from({ length: count }, () => once).flat()
  }

  /** A figure of traffic that the drill does not have could never fail, or never hold. */
  #measured(steps: readonly Step[], claims: readonly WrittenClaim[], traffic: readonly Traffic[]): void {
    const inSteps = [...new Set(steps)].flatMap((step) =>
      step.action === 'claim' ? [{ claim: step.arguments.that, at: step.at }] : [],
    )
    for (const { claim, at } of [...inSteps, ...claims]) {
      const form: FigureForm | undefined = Object.hasOwn(FIGURES, claim.type)
        ? FIGURES[claim.type as keyof typeof FIGURES]
        : undefined
      const [first, ...more] = form?.measures ?? []
      if (first === undefined || traffic.some(({ type }) => type === first || more.includes(type))) continue
      const example = TRAFFIC[first as keyof typeof TRAFFIC].example
      this.#report('bad-value', at, `there is nothing to measure \`${claim.type}\` of`, `add traffic: [ ${example} ]`)
    }
  }

  #claim(node: Node): WrittenClaim | undefined {
    const claim: Claim | undefined = CLAIM.read(node, this.#complaints)
    return claim && { claim, at: this.#span(node), text: this.#textOf(node) }
  }

  #span(node: Node | undefined): Span {
    const [start, end] = node?.range ?? [0, 0]
    const text = this.#source.text.slice(start, end)
    const firstLine = text.split('\n', 1)[0] ?? ''
    return { source: this.#source, start, end: start + firstLine.trimEnd().length }
  }

  #textOf(node: Node): string {
    const [start, end] = node.range ?? [0, 0]
    const lines = this.#source.text.slice(start, end).split('\n')
    return lines
      .map((line) => line.replace(/(^|\s)#.*/, '').trim())
      .filter((line) => line !== '')
      .join(' ')
  }
}
