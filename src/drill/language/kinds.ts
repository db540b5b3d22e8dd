import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import { closest } from '../../config/diagnostic.ts'
import { millis, type Millis } from '../../time.ts'

/** Where reading tells what is wrong. `node` undefined: the place of the step or claim itself. */
export interface Complaints {
  bad(node: Node | undefined, message: string, hint?: string): void
}

/** How a value is written, read, and shown to people and to editors. */
export interface Kind<T> {
  /** Undefined when it is wrong, which has been said then. */
  read(node: Node, complaints: Complaints): T | undefined
  /** As JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>
  /** For people: `a duration such as 2 s`. */
  readonly text: string
  /** It is written as a map by itself, and never means the names of parameters. */
  readonly isMap?: true
}

/** A value that may be left out. */
export interface Parameter<T> {
  readonly kind: Kind<T>
  readonly otherwise: T | undefined
  readonly isRequired: boolean
  readonly says: string
}

export const needed = <T>(kind: Kind<T>, says: string): Parameter<T> & { readonly isRequired: true } => ({
  kind,
  otherwise: undefined,
  isRequired: true,
  says,
})
/** With the value that it has when it is left out. */
export const otherwise = <T>(kind: Kind<T>, value: T, says: string): Parameter<T> & { readonly otherwise: T } => ({
  kind,
  otherwise: value,
  isRequired: false,
  says,
})
export const optional = <T>(
  kind: Kind<T>,
  says: string,
): Parameter<T> & { readonly isRequired: false; readonly otherwise: undefined } => ({
  kind,
  otherwise: undefined,
  isRequired: false,
  says,
})

export type Parameters = Readonly<Record<string, Parameter<unknown>>>

/** What was read of parameters: those that may be left out and have no other value may be undefined. */
export type Arguments<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> & { readonly isRequired: true }
    ? T
    : P[K] extends { readonly otherwise: undefined }
      ? P[K] extends Parameter<infer T>
        ? T | undefined
        : never
      : P[K] extends Parameter<infer T>
        ? T
        : never
}

/** The parts of a map, by their keys; keys that are no plain words are complained about. */
function partsOf(map: YAMLMap, complaints: Complaints): ReadonlyMap<string, { key: Node; value: Node | undefined }> {
  const parts = new Map<string, { key: Node; value: Node | undefined }>()
  for (const item of map.items as Pair<Node, Node | null>[]) {
    if (isScalar(item.key)) parts.set(String(item.key.value), { key: item.key, value: item.value ?? undefined })
    else complaints.bad(item.key, 'this is no name')
  }
  return parts
}

/** Reads named values; what is missing, unknown or wrong has been said when it is undefined. */
export function readParameters<P extends Parameters>(
  map: YAMLMap,
  parameters: P,
  complaints: Complaints,
): Arguments<P> | undefined {
  const parts = partsOf(map, complaints)
  const values: Record<string, unknown> = {}
  let isGood = true
  for (const [name, { key }] of parts) {
    if (Object.hasOwn(parameters, name)) continue
    isGood = false
    const known = Object.keys(parameters)
    const hint = known.length === 0 ? 'there are no words here: {}' : `one of: ${known.join(', ')}`
    complaints.bad(key, `unknown word \`${name}\``, meant(name, known) ?? hint)
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    const part = parts.get(name)
    if (part === undefined || part.value === undefined || isNull(part.value)) {
      values[name] = parameter.otherwise
      if (part !== undefined) complaints.bad(part.key, `\`${name}\` has no value`, parameter.kind.text)
      else if (parameter.isRequired) complaints.bad(undefined, `\`${name}\` is missing`, parameter.kind.text)
      if (part !== undefined || parameter.isRequired) isGood = false
      continue
    }
    values[name] = parameter.kind.read(part.value, complaints)
    if (values[name] === undefined) isGood = false
  }
  return isGood ? (values as Arguments<P>) : undefined
}

const isNull = (node: Node) => isScalar(node) && node.value === null

/** Of a scalar as it was written: `0x10`, `5 %` and `1.50` stay what they are. */
export function wordOf(node: Node): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined
  return node.source ?? JSON.stringify(node.value)
}

/** What stands there, for a message. */
const namedIn = (node: Node) =>
  isMap(node) ? 'a map' : isSeq(node) ? 'a list' : isNull(node) ? 'nothing' : `\`${wordOf(node) ?? ''}\``

/** A kind that is one word or number, read from its text. `parse` gives undefined for what it does not take; `hint` what to write then. */
function scalar<T>(
  text: string,
  schema: Kind<T>['schema'],
  parse: (word: string) => T | undefined,
  hint: (word: string) => string | undefined = () => undefined,
): Kind<T> {
  return {
    text,
    schema: { description: text, ...schema },
    read(node, complaints) {
      const word = wordOf(node)
      const value = word === undefined ? undefined : parse(word)
      if (value === undefined) complaints.bad(node, `${namedIn(node)} is not ${text}`, hint(word ?? ''))
      return value
    },
  }
}

/** The word that was meant, when there is one. */
const meant = (word: string, words: readonly string[]) => {
  const near = closest(word, words)
  return near === undefined ? undefined : `do you mean ${near}?`
}

export const TEXT: Kind<string> = scalar('a text', { type: ['string', 'number', 'boolean'] }, (word) => word)

export const YES_NO: Kind<boolean> = scalar('yes or no', { enum: [true, false, 'yes', 'no'] }, (word) =>
  word === 'yes' || word === 'true' ? true : word === 'no' || word === 'false' ? false : undefined,
)

export const whole = (least: number, most: number): Kind<number> =>
  scalar(`a whole number from ${least} to ${most}`, { type: 'integer', minimum: least, maximum: most }, (word) => {
    const value = Number(word)
    return /^-?\d+$/.test(word) && value >= least && value <= most ? value : undefined
  })

/** `none` is 0. */
export const COUNT: Kind<number> = scalar(
  'a count, or none',
  { anyOf: [{ type: 'integer', minimum: 0 }, { const: 'none' }] },
  (word) => (word === 'none' ? 0 : /^\d{1,9}$/.test(word) ? Number(word) : undefined),
)

/** As a number from 0 to 100. */
export const PERCENT: Kind<number> = scalar(
  'a percentage from 0 % to 100 %, such as 30 %',
  { anyOf: [{ type: 'string', pattern: String.raw`^\d+(\.\d+)? ?%$` }] },
  (word) => {
    const value = Number(/^(\d+(?:\.\d+)?) ?%$/.exec(word)?.[1])
    return value <= 100 ? value : undefined
  },
)

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000 }
const DURATION_PATTERN = String.raw`\d+(?:\.\d+)? ?(?:ms|s|min)`

/** Undefined when the text is none. */
export function durationOf(word: string): Millis | undefined {
  const [, value = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|min)$/.exec(word) ?? []
  const factor = UNITS[unit]
  return factor === undefined ? undefined : millis(Number(value) * factor)
}

/** A number alone lacks its unit. */
const unitHint = (word: string) => (/^\d+(\.\d+)?$/.test(word) ? `do you mean ${word} s, or ${word} ms?` : undefined)

export const DURATION: Kind<Millis> = scalar(
  'a duration such as 500 ms, 2 s or 1 min',
  { type: 'string', pattern: `^${DURATION_PATTERN}$` },
  durationOf,
  unitHint,
)

/** Durations that the configuration promises; docs/drills.md says how long each is. */
export const PROMISES = {
  takeover:
    'what a take-over may take by the configuration: three adverts and the skew time of the standby, and 5 % and 20 ms for a busy machine',
  handover: 'what a hand-over in order may cost',
  detection: 'until the checks have found that a server is gone, and have taken it out',
} as const
export type Promised = keyof typeof PROMISES

/** A duration that the drill says, the configuration promises, or both: their sum. */
export interface Limit {
  readonly plus: Millis
  readonly promised: readonly Promised[]
}

export const LIMIT: Kind<Limit> = scalar(
  `a duration such as 2 s, or a promise of the configuration (${Object.keys(PROMISES).join(', ')}), or a sum such as takeover + 1 s`,
  {
    type: 'string',
    pattern: `^(${DURATION_PATTERN}|${Object.keys(PROMISES).join('|')})( \\+ (${DURATION_PATTERN}|${Object.keys(PROMISES).join('|')}))*$`,
  },
  (word) => {
    const promised: Promised[] = []
    let plus = 0
    for (const part of word.split(' + ')) {
      if (Object.hasOwn(PROMISES, part)) promised.push(part as Promised)
      else {
        const duration = durationOf(part)
        if (duration === undefined) return undefined
        plus += duration
      }
    }
    return { plus: millis(plus), promised }
  },
  (word) => unitHint(word) ?? meant(word, Object.keys(PROMISES)),
)

/** One of these words. */
export const choice = <const W extends string>(...words: readonly W[]): Kind<W> => {
  const text = words.length === 2 ? `${words[0]} or ${words[1]}` : `one of ${words.join(', ')}`
  return scalar(
    text,
    { enum: words },
    (word) => words.find((each) => each === word),
    (word) => meant(word, words),
  )
}

/** Takes what matches; `example` is for people. */
export const matching = <T extends string>(text: string, pattern: RegExp): Kind<T> =>
  scalar(text, { type: 'string', pattern: pattern.source }, (word) => (pattern.test(word) ? (word as T) : undefined))

/** Shares of servers in order: `1:2:3`. */
export const SHARES: Kind<readonly number[]> = scalar(
  'a number for each server with colons between, such as 1:2:3',
  { type: 'string', pattern: String.raw`^\d{1,4}(:\d{1,4})+$` },
  (word) => (/^\d{1,4}(:\d{1,4})+$/.test(word) ? word.split(':').map(Number) : undefined),
)

/** A regular expression of JavaScript. */
export const PATTERN: Kind<RegExp> = scalar(
  'a regular expression',
  { type: ['string', 'number', 'boolean'] },
  (word) => {
    try {
      return new RegExp(word)
    } catch {
      return undefined
    }
  },
)

/** One of them, or a list of several; at least one. */
export const oneOrMore = <T>(kind: Kind<T>): Kind<readonly T[]> => ({
  text: `${kind.text}, or a list of them`,
  schema: { anyOf: [kind.schema, { type: 'array', minItems: 1, items: kind.schema }] },
  read(node, complaints) {
    if (!isSeq(node)) {
      const value = kind.read(node, complaints)
      return value === undefined ? undefined : [value]
    }
    if (node.items.length === 0) complaints.bad(node, 'this list is empty', kind.text)
    const values = node.items.map((item) => kind.read(item as Node, complaints))
    return values.length === 0 || values.includes(undefined) ? undefined : (values as T[])
  },
})

/** Several values with names. */
export const record = <P extends Parameters>(text: string, parameters: P): Kind<Arguments<P>> => ({
  text,
  schema: objectSchema(parameters),
  read(node, complaints) {
    if (isMap(node)) return readParameters(node, parameters, { ...complaints, bad: placed(node, complaints) })
    const names = Object.keys(parameters).map((name) => `${name}: …`)
    complaints.bad(node, `this is not ${text}`, `such as { ${names.join(', ')} }`)
    return undefined
  },
})

/** What is said of nothing in particular is said of this node. */
export const placed =
  (at: Node, complaints: Complaints): Complaints['bad'] =>
  (node, message, hint) =>
    complaints.bad(node ?? at, message, hint)

export function objectSchema(parameters: Parameters): Readonly<Record<string, unknown>> {
  const entries = Object.entries(parameters)
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      entries.map(([name, { kind, says }]) => [name, { ...kind.schema, description: `${says}: ${kind.text}` }]),
    ),
    required: entries.filter(([, { isRequired }]) => isRequired).map(([name]) => name),
  }
}
