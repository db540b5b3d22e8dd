import { dice } from '../../src/simulate/dice.ts'

/** One change of a file, as people make them by mistake. */
export interface Mutation {
  readonly kind: string
  readonly text: string
}

type Mutate = (lines: string[], pick: (limit: number) => number) => string[] | undefined

/** Changes one of the lines that fit, or says that none does. */
function changeLine(fits: RegExp, change: (line: string, pick: (limit: number) => number) => string): Mutate {
  return (lines, pick) => {
    const candidates = lines.flatMap((line, index) => (fits.test(line) && !/^\s*[!#$@~]/.test(line) ? [index] : []))
    const chosen = candidates[pick(candidates.length || 1)]
    return chosen === undefined ? undefined : lines.with(chosen, change(lines[chosen] ?? '', pick))
  }
}

const KINDS: Readonly<Record<string, Mutate>> = {
  'deleted brace': changeLine(/[{}]/, (line) => line.replace(/[{}]/, '')),
  'added brace': changeLine(/\}/, (line) => line.replace('}', '} }')),
  'misspelt keyword': changeLine(/^\s*[a-z_]{5,}/i, (line, pick) => {
    const start = line.search(/\S/)
    const at = start + 1 + pick(3)
    return line.slice(0, at) + line.slice(at + 1)
  }),
  'number out of range': changeLine(/^\s*[a-z_]+\s+\d+\s*$/, (line) => line.replace(/\d+\s*$/, '99999999999')),
  'negative number': changeLine(/^\s*[a-z_]+\s+\d+\s*$/, (line) => line.replace(/\d+\s*$/, '-7')),
  'missing argument': changeLine(/^\s*[a-z_]+\s+\S+\s*$/, (line) => line.replace(/\s+\S+\s*$/, '')),
  'wrong type': changeLine(/^\s*[a-z_]+\s+\d+\s*$/, (line) => line.replace(/\d+\s*$/, 'many')),
  'wrong address': changeLine(/\d+\.\d+\.\d+\.\d+/, (line) => line.replace(/\d+\.\d+\.\d+\.\d+/, '10.0.0.999')),
  'wrong word': changeLine(/^\s*(state|lb_algo|lvs_sched|lb_kind|lvs_method|protocol|auth_type)\s/, (line) =>
    line.replace(/\S+\s*$/, 'WRONG'),
  ),
  'duplicated line': (lines, pick) => {
    const index = pick(lines.length)
    return lines.toSpliced(index, 0, lines[index] ?? '')
  },
  'duplicated block': (lines, pick) => {
    const starts = lines.flatMap((line, index) => (/^[a-z_]+ .*\{\s*$/.test(line) ? [index] : []))
    const start = starts[pick(starts.length || 1)]
    const length = start === undefined ? -1 : lines.slice(start).findIndex((line) => line === '}')
    if (start === undefined || length === -1) return undefined
    return [...lines, ...lines.slice(start, start + length + 1)]
  },
  'unterminated quote': changeLine(/".*"/, (line) => line.replace('"', '')),
  'trailing letters': changeLine(/^\s*[a-z_]+\s+\d+\s*$/, (line) => `${line.trimEnd()}abc`),
}

/** `count` changes of a text, of every kind in turn where the text allows it; the same ones for a seed. */
export function mutate(text: string, seed: number, count: number): Mutation[] {
  const pick = dice(seed)
  const lines = text.replace(/\n$/, '').split('\n')
  const kinds = Object.entries(KINDS)
  const found: Mutation[] = []
  for (let turn = 0; found.length < count && turn < count * kinds.length; turn++) {
    const [kind, change] = kinds[(seed + turn) % kinds.length] ?? kinds[0] ?? ['', () => undefined]
    const mutated = change([...lines], pick)
    if (mutated !== undefined) found.push({ kind, text: `${mutated.join('\n')}\n` })
  }
  return found
}
