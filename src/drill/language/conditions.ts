import { isMap, isScalar, type Node, YAMLMap } from 'yaml'
import {
  type Arguments,
  choice,
  COUNT,
  type Kind,
  type Limit,
  LIMIT,
  needed,
  objectSchema,
  oneOrMore,
  optional,
  otherwise,
  type Parameters,
  PATTERN,
  placed,
  readParameters,
  SHARES,
  TEXT,
  whole,
  wordOf,
} from './kinds.ts'
import { closest } from '../../config/diagnostic.ts'
import { seconds } from '../../time.ts'
import { DIRECTOR, DIRECTORS, PROCESS, SERVERS } from './words.ts'

/** Something that is so at a moment. `main`: what a value stands for that is no list of named ones. */
export interface ConditionForm<P extends Parameters = Parameters> {
  readonly says: string
  readonly main: string | undefined
  readonly parameters: P
  /** One of these must be said: without, it would say nothing. */
  readonly oneOf?: readonly string[]
  readonly example: string
}

/** A figure, and the traffic that it is of: a drill that has none of these has nothing to measure. Undefined: it needs none. */
export interface FigureForm<P extends Parameters = Parameters> extends ConditionForm<P> {
  readonly measures?: readonly string[]
}

const condition = <const P extends Parameters>(
  one: ConditionForm<P> & { readonly main: (keyof P & string) | undefined },
): ConditionForm<P> => one

const figure = <const P extends Parameters>(
  one: FigureForm<P> & { readonly main: (keyof P & string) | undefined },
): FigureForm<P> => one

/** What can be waited for, and claimed. */
export const CONDITIONS = {
  master: condition({
    says: 'this director has all virtual addresses, and the other one has none of them, by what their kernels say; either: it is one of the two; nobody: none has any',
    main: 'is',
    parameters: { is: needed(choice('active', 'standby', 'director1', 'director2', 'either', 'nobody'), 'who') },
    example: 'master: standby',
  }),
  holds: condition({
    says: 'this director has all of its virtual addresses, whatever the other one has',
    main: 'director',
    parameters: { director: needed(DIRECTORS, 'who') },
    example: 'holds: both',
  }),
  state: condition({
    says: 'each instance of this director is in this state',
    main: undefined,
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      is: needed(choice('master', 'backup', 'fault', 'init', 'stopped'), 'which; stopped: the daemon does not run'),
    },
    example: 'state: { of: active, is: fault }',
  }),
  priority: condition({
    says: 'the first instance of this director has this priority, with all that its trackers add',
    main: undefined,
    parameters: { of: needed(DIRECTOR, 'whose'), is: needed(whole(0, 255), 'how much') },
    example: 'priority: { of: active, is: 130 }',
  }),
  server: condition({
    says: 'the checks of this director have found the real server so, in every virtual server that has it, or in the one that is named',
    main: undefined,
    parameters: {
      server: needed(SERVERS, 'which'),
      is: needed(choice('up', 'down', 'drained'), 'how'),
      on: otherwise(DIRECTORS, 'both', 'whose checks'),
      service: optional(whole(1, 10_000), 'in which virtual server alone, in the order of the file'),
    },
    example: 'server: { server: server 2, is: down, on: active }',
  }),
  arp: condition({
    says: 'who answers when the client asks for the first virtual address (ARP, or neighbour discovery)',
    main: 'by',
    parameters: { by: needed(choice('active', 'standby', 'director1', 'director2', 'nobody', 'both'), 'who') },
    example: 'arp: standby',
  }),
  process: condition({
    says: 'the process runs, or does not',
    main: undefined,
    parameters: {
      of: needed(DIRECTORS, 'whose'),
      process: otherwise(PROCESS, 'all', 'which; all of them without'),
      is: needed(choice('running', 'gone'), 'how'),
    },
    example: 'process: { of: active, process: vrrp, is: running }',
  }),
  log: condition({
    says: 'the log of this director has a line since the part began that matches',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), says: needed(PATTERN, 'a regular expression') },
    example: 'log: { of: standby, says: becomes master }',
  }),
  status: condition({
    says: 'what `tanist status --json` says of this director has a line that matches',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), says: needed(PATTERN, 'a regular expression') },
    example: 'status: { of: active, says: "refused" }',
  }),
  called: condition({
    says: 'a command of the configuration has been run since the part began (in the lab)',
    main: undefined,
    parameters: {
      of: needed(DIRECTORS, 'on which director'),
      command: needed(TEXT, 'a part of the command as the file has it'),
      with: optional(PATTERN, 'its arguments, with blanks between'),
    },
    example: 'called: { of: standby, command: notify, with: MASTER }',
  }),
  file: condition({
    says: 'the configuration file of this director is the one that it had when the drill began',
    main: 'of',
    parameters: { of: needed(DIRECTORS, 'whose') },
    example: 'file: both',
  }),
} as const

/** What is counted and timed over a part of the drill, from the first step, or the last `measure`, on. */
export const FIGURES = {
  outage: figure({
    says: 'the longest time in which no probe was answered; the noise of this machine, measured beside, is added to what is allowed',
    main: 'at most',
    parameters: { 'at most': needed(LIMIT, 'how long'), 'at least': optional(LIMIT, 'and how long it is at least') },
    measures: ['probe'],
    example: 'outage: takeover',
  }),
  lost: figure({
    says: 'probes without an answer, less those that a probe past the directors has lost in the same time',
    main: 'at most',
    parameters: { 'at most': needed(COUNT, 'how many'), 'at least': optional(COUNT, 'and how many at least') },
    measures: ['probe'],
    example: 'lost: none',
  }),
  'failed requests': figure({
    says: 'requests that were refused, reset, or not answered',
    main: 'at most',
    parameters: { 'at most': needed(COUNT, 'how many') },
    measures: ['requests'],
    example: 'failed requests: none',
  }),
  'broken connections': figure({
    says: 'long-lived connections that were reset or closed',
    main: 'at most',
    parameters: { 'at most': needed(COUNT, 'how many') },
    measures: ['connections'],
    example: 'broken connections: none',
  }),
  'moved connections': figure({
    says: 'long-lived connections whose answers came from another server than before',
    main: 'at most',
    parameters: { 'at most': needed(COUNT, 'how many') },
    measures: ['connections'],
    example: 'moved connections: none',
  }),
  'silent connections': figure({
    says: 'the longest time that a long-lived connection has waited for an answer',
    main: 'at most',
    parameters: { 'at most': needed(LIMIT, 'how long') },
    measures: ['connections'],
    example: 'silent connections: takeover + 4 s',
  }),
  'wrong answers': figure({
    says: 'answers that are not what was sent',
    main: 'at most',
    parameters: { 'at most': needed(COUNT, 'how many') },
    measures: ['requests', 'connections'],
    example: 'wrong answers: none',
  }),
  'answered by': figure({
    says: 'these servers, and no others, have answered requests',
    main: 'servers',
    parameters: { servers: needed(oneOrMore(SERVERS), 'which') },
    measures: ['requests'],
    example: 'answered by: [server 1, server 3]',
  }),
  'not answered by': figure({
    says: 'none of these servers has answered a request, and others have',
    main: 'servers',
    parameters: { servers: needed(oneOrMore(SERVERS), 'which') },
    measures: ['requests'],
    example: 'not answered by: server 2',
  }),
  share: figure({
    says: 'the answers to requests are shared so; servers that are not named have none',
    main: 'of',
    parameters: {
      of: needed(SHARES, 'how, by the weights'),
      within: otherwise(whole(0, 1000), 4, 'how many answers may be off for each server; 4 without'),
    },
    measures: ['requests'],
    example: 'share: 1:2:3',
  }),
  'two owners': figure({
    says: 'how long both directors have had the same virtual address, in all',
    main: 'at most',
    parameters: { 'at most': needed(LIMIT, 'how long') },
    example: 'two owners: 100 ms',
  }),
  'no owner': figure({
    says: 'how long no director had a virtual address, in all',
    main: 'at most',
    parameters: { 'at most': needed(LIMIT, 'how long') },
    example: 'no owner: takeover',
  }),
  'take-overs': figure({
    says: 'how often a director got the first virtual address',
    main: 'exactly',
    parameters: { exactly: optional(COUNT, 'how often'), 'at most': optional(COUNT, 'or how often at most') },
    oneOf: ['exactly', 'at most'],
    example: 'take-overs: 1',
  }),
  'log lines': figure({
    says: 'lines in the log of this director, a second',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), 'at most': needed(COUNT, 'a second') },
    example: 'log lines: { of: active, at most: 10 }',
  }),
  'log never': figure({
    says: 'no line of the log of this director matches',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), says: needed(PATTERN, 'a regular expression') },
    example: 'log never: { of: both, says: becomes master }',
  }),
  'never called': figure({
    says: 'no such command of the configuration has been run (in the lab)',
    main: undefined,
    parameters: {
      of: needed(DIRECTORS, 'on which director'),
      command: needed(TEXT, 'a part of the command as the file has it'),
      with: optional(PATTERN, 'its arguments, with blanks between'),
    },
    example: 'never called: { of: standby, command: notify, with: MASTER }',
  }),
  memory: figure({
    says: 'what all processes of a director have in memory more than when the drill began, in per cent',
    main: undefined,
    parameters: { of: needed(DIRECTORS, 'whose'), 'at most': needed(whole(0, 10_000), 'per cent') },
    example: 'memory: { of: both, at most: 20 }',
  }),
} as const

export type Condition = {
  readonly [N in keyof typeof CONDITIONS]: {
    readonly type: N
    readonly arguments: Arguments<(typeof CONDITIONS)[N]['parameters']>
  }
}[keyof typeof CONDITIONS]

export type Figure = {
  readonly [N in keyof typeof FIGURES]: {
    readonly type: N
    readonly arguments: Arguments<(typeof FIGURES)[N]['parameters']>
  }
}[keyof typeof FIGURES]

/** A map with one key, the name of a form: `{ master: standby }`. */
export function form<T>(text: string, forms: Readonly<Record<string, ConditionForm>>): Kind<T> {
  return {
    text,
    isMap: true,
    schema: formSchema(forms),
    read(node, complaints) {
      const [item, more] = isMap(node) ? node.items : []
      if (item === undefined || more !== undefined) {
        const hint = Object.values(forms)[0]?.example
        const found = more === undefined ? `this is not ${text}` : `these are several; ${text} has one word`
        complaints.bad(node, found, `such as ${hint}; one of: ${Object.keys(forms).join(', ')}`)
        return undefined
      }
      const key = item.key as Node
      const name = wordOf(key) ?? ''
      const found = Object.hasOwn(forms, name) ? forms[name] : undefined
      if (found === undefined) {
        const near = closest(name, Object.keys(forms))
        const hint = near === undefined ? `one of: ${Object.keys(forms).join(', ')}` : `do you mean ${near}?`
        complaints.bad(key, `\`${name}\` is not ${text}`, hint)
        return undefined
      }
      const value = readForm(found, key, (item.value as Node | null) ?? undefined, { bad: placed(key, complaints) })
      return value === undefined ? undefined : ({ type: name, arguments: value } as T)
    },
  }
}

/** What describes the arguments of an action, a condition, a figure or traffic. */
type Form = Pick<ConditionForm, 'says' | 'main' | 'parameters' | 'oneOf' | 'example'>

/** The arguments of a form: its main one alone, or a map of them. */
export function readForm(
  { main, parameters, oneOf, example }: Form,
  key: Node,
  value: Node | undefined,
  complaints: { bad(node: Node | undefined, message: string, hint?: string): void },
): Readonly<Record<string, unknown>> | undefined {
  const names = Object.keys(parameters)
  if (value !== undefined && isMap(value) && (main === undefined || parameters[main]?.kind.isMap !== true)) {
    const read = readParameters(value, parameters, complaints)
    if (read === undefined || oneOf === undefined) return read
    // What is false as long as it is left out says nothing either.
    if (oneOf.some((name) => read[name] !== undefined && read[name] !== false)) return read
    complaints.bad(key, 'this says nothing yet', `add one of ${oneOf.join(', ')}, such as ${example}`)
    return undefined
  }
  if (value === undefined || (isScalar(value) && value.value === null)) {
    complaints.bad(key, `\`${wordOf(key) ?? ''}\` has no value`, `such as ${example}`)
    return undefined
  }
  const kind = main === undefined ? undefined : parameters[main]?.kind
  const lacks = names.some((name) => name !== main && parameters[name]?.isRequired === true)
  if (main === undefined || kind === undefined || lacks) {
    const hint = names.length === 0 ? `write ${example}` : `such as ${example}`
    complaints.bad(value, 'this needs names', hint)
    return undefined
  }
  const read = kind.read(value, complaints)
  if (read === undefined) return undefined
  const others = Object.fromEntries(names.map((name) => [name, parameters[name]?.otherwise]))
  return { ...others, [main]: read }
}

/** As JSON Schema. */
function schemaOf({ main, parameters, oneOf, says, example }: Form) {
  const description = `${says}. ${example}`
  const named = objectSchema(parameters)
  const whole = oneOf === undefined ? named : { ...named, anyOf: oneOf.map((name) => ({ required: [name] })) }
  const kind = main === undefined ? undefined : parameters[main]?.kind
  const others = Object.entries(parameters).some(([name, { isRequired }]) => isRequired && name !== main)
  if (kind === undefined || others) return { description, ...whole }
  return { description, ...(kind.isMap === true ? kind.schema : { anyOf: [kind.schema, whole] }) }
}

/** Of a map with one key. Not an alternative for each form: an editor would not say which one a mistake is in. */
export const formSchema = (forms: Readonly<Record<string, Form>>) => ({
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: Object.fromEntries(Object.entries(forms).map(([name, each]) => [name, schemaOf(each)])),
})

export const CONDITION: Kind<Condition> = form('a condition', CONDITIONS)

/** What must be true: at this moment, or of the part of the drill until now. */
export type Claim = Condition | Figure
export const CLAIM: Kind<Claim> = form('a claim', { ...CONDITIONS, ...FIGURES })

/** A condition, and when it must be so at the latest. */
export interface Awaited {
  readonly condition: Condition
  readonly within: Limit
}

/** Without a deadline that is said. */
const PATIENCE: Limit = { plus: seconds(30), promised: [] }

/** `{ master: standby, within: 5 s }` */
export const AWAITED: Kind<Awaited> = {
  text: 'a condition, and within which time it must be so (30 s without)',
  isMap: true,
  schema: {
    ...formSchema({}),
    maxProperties: 2,
    oneOf: Object.keys(CONDITIONS).map((name) => ({ required: [name] })),
    properties: { ...formSchema(CONDITIONS).properties, within: LIMIT.schema },
  },
  read(node, complaints) {
    if (!isMap(node)) {
      complaints.bad(node, 'this is not a condition', 'such as { master: standby, within: takeover + 1 s }')
      return undefined
    }
    const written = node.items.find((item) => wordOf(item.key as Node) === 'within')
    const rest = new YAMLMap()
    rest.range = node.range ?? null
    rest.items = node.items.filter((item) => item !== written)
    const value = (written?.value as Node | null) ?? undefined
    const within = value === undefined ? PATIENCE : LIMIT.read(value, complaints)
    const condition = CONDITION.read(rest, complaints)
    return condition === undefined || within === undefined ? undefined : { condition, within }
  },
}
