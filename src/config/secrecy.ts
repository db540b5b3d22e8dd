import { editDistance } from './edit-distance.ts'
import { positionOf, type Source, type Span } from './source.ts'

/** Keywords whose value reaches no log and no terminal. */
const SECRET_KEYWORDS: readonly string[] = ['auth_pass', 'header', 'key', 'password', 'secret']

export const isSecretKeyword = (name: string): boolean => SECRET_KEYWORDS.includes(name)

/** What stands for a value that is not shown. */
export const HIDDEN = '********'

/** Lines that hold a secret though they do not look so: where it begins, by their number. */
const marked = new WeakMap<Source, Map<number, number>>()

/** Remembers that the line of a place holds a secret: that of a definition which a password is made of, say. */
export function markSecret({ source, start }: Span): void {
  const { line, lineText } = positionOf(source, start)
  mark(source, line, /^\s*(?:\$\w+=|~\w+\()\s*/.exec(lineText)?.[0].length ?? 0)
}

/** The same of what stands behind a keyword. */
export function markSecretBehind({ source, end }: Span): void {
  const { line, column } = positionOf(source, end)
  mark(source, line, column)
}

function mark(source: Source, line: number, index: number): void {
  const lines = marked.get(source) ?? new Map<number, number>()
  marked.set(source, lines.set(line, Math.min(index, lines.get(line) ?? index)))
}

/**
 * Index in its line of where the secret begins, if the line of this place holds or could hold one: behind a keyword of
 * secrets, also one that is misspelt or has lost its blank, behind a name that speaks of one, or in the list of a loop.
 */
export function secretStart(source: Source, offset: number): number | undefined {
  const { line, lineText } = positionOf(source, offset)
  const starts = [secretStartOf(lineText), marked.get(source)?.get(line)].filter((start) => start !== undefined)
  return starts.length === 0 ? undefined : Math.min(...starts)
}

/** The same of a text. Zero bytes make a line unreadable: then all of it may be one. */
export function secretStartOf(line: string): number | undefined {
  if (line.includes('\0')) return 0
  for (const { 0: word, index } of line.matchAll(/\$?[A-Za-z_][\w-]*/g)) {
    const shown = shownLength(word.toLowerCase(), line.charAt(index + word.length) === '=')
    if (shown === undefined) continue
    // What a loop puts behind the keyword stands before it.
    const list = /^\s*~\w+\(\s*/.exec(line)?.[0].length
    if (list !== undefined && list <= index) return list
    const start = index + shown
    return start + (/^[\s=:]*/.exec(line.slice(start))?.[0].length ?? 0)
  }
  return undefined
}

const DISTANCE = 3

/** How much of a word is shown when a secret follows; undefined when none does. */
function shownLength(word: string, isDefinition: boolean): number | undefined {
  // The value may be stuck to its keyword.
  const stuck = /^auth[_-]?pass(?:w(?:or)?d|s(?![\w-]))?/.exec(word)
  if (stuck !== null) return stuck[0].length
  if (/pass|secret|^\$?pwd?$/.test(word)) return word.length
  if (isDefinition && /pw|key/.test(word)) return word.length
  const isNear = (keyword: string, distance: number) =>
    Math.abs(word.length - keyword.length) <= distance && editDistance(word, keyword) <= distance
  return isNear('auth_pass', DISTANCE) || isNear('password', 2) || (word.length > 1 && isNear('key', 1))
    ? word.length
    : undefined
}
