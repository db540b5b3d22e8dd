import type { Report } from '../diagnostic.ts'
import { Text } from '../text.ts'

/** `~SEQ(…) rest` or `~LST(…) rest`: the rest, once for each round, with what the variables are in it. */
export interface Loop {
  readonly variables: readonly string[]
  readonly rounds: Iterable<readonly Text[]>
  readonly rest: Text
}

/** Rounds of one loop; more is a mistake. */
const ROUND_LIMIT = 100_000

/** Reads a line that begins with `~SEQ` or `~LST`; undefined, with a report, when it is not well formed. */
export function parseLoop(line: Text, report: Report): Loop | undefined {
  const head = /^~(SEQx?|LST)\(([^)]*)\)[ \t]*/.exec(line.text)
  if (head === null) {
    const message = 'expected `~SEQ(var, [start, [step,]] end) line` or `~LST(var, value, …) line`'
    report('bad-definition', line.span(), message)
    return undefined
  }
  const [whole, kind, inside = ''] = head
  const insideStart = whole.indexOf('(') + 1
  const parameters = line.slice(insideStart, insideStart + inside.length)
  const loop = kind === 'LST' ? parseList(parameters) : parseSequence(parameters, kind === 'SEQx')
  if (typeof loop === 'string') {
    report('bad-definition', parameters.span(), loop)
    return undefined
  }
  return { ...loop, rest: line.slice(whole.length) }
}

type Parsed = Pick<Loop, 'variables' | 'rounds'> | string

/** As strtol with base 0 reads it. */
function parseNumber(text: string): number {
  const match = /^([+-]?)(0[xX][\da-fA-F]+|\d+)$/.exec(text)
  if (match === null) return Number.NaN
  const digits = match[2] ?? ''
  const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  return match[1] === '-' ? -value : value
}

function parseSequence(parameters: Text, hexadecimal: boolean): Parsed {
  const [name = '', ...numbers] = parameters.text.split(',').map((word) => word.trim())
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'expected the name of a variable'
  const values = numbers.map(parseNumber)
  if (values.some(Number.isNaN) || values.length < 1 || values.length > 3) return 'expected one to three whole numbers'
  const last = values.at(-1) ?? 0
  const first = values.length > 1 ? (values[0] ?? 0) : last < 0 ? -1 : 1
  const step = values.length === 3 ? (values[1] ?? 0) : last < first ? -1 : 1
  if (step === 0 || step > 0 !== last >= first) return 'this sequence never ends'
  if ((last - first) / step >= ROUND_LIMIT) return `a loop has at most ${ROUND_LIMIT} rounds`
  const at = parameters.span()
  const rounds = (function* () {
    for (let value = first; step > 0 ? value <= last : value >= last; value += step) {
      yield [Text.standingFor(value.toString(hexadecimal ? 16 : 10), at)]
    }
  })()
  return { variables: [name], rounds }
}

function parseList(parameters: Text): Parsed {
  const tuples = splitOutsideBraces(parameters).map((item) => {
    const tuple = /^\{(.*)\}$/.exec(item.text)
    return tuple === null ? [item] : splitOutsideBraces(item.slice(1, item.length - 1))
  })
  const [names = [], ...rounds] = tuples
  const variables = names.map(({ text }) => text)
  if (variables.length === 0 || !variables.every((name) => /^[A-Za-z_]\w*$/.test(name))) {
    return 'expected the name of a variable, or names in braces'
  }
  if (rounds.length === 0) return 'expected at least one value'
  return { variables, rounds }
}

/** The parts between commas, without outer blanks. */
function splitOutsideBraces(text: Text): Text[] {
  const parts: Text[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index <= text.length; index++) {
    const char = text.text.charAt(index)
    if (char === '{') depth++
    else if (char === '}') depth--
    else if (index === text.length || (char === ',' && depth === 0)) {
      parts.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  return parts
}
