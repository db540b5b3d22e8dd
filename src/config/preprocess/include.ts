import type { Text } from '../text.ts'

/** How a configuration reaches its files; the only way out of this folder. */
export interface Files {
  /** Paths that match a pattern of `*`, `?`, `[…]`, sorted. A pattern without these matches itself when it is there. */
  glob(pattern: string, directory: string): readonly string[]
  /** The text of a regular file, or why it cannot be read. */
  read(path: string): { readonly text: string } | { readonly error: string }
  /** The directory that a file's own relative includes start from. */
  directoryOf(path: string): string
}

/** What must hold when files are included (keepalived's `include_check`); unset, only a plain name must be there. */
export interface IncludeChecks {
  readonly read: boolean
  readonly match: boolean
  readonly wildcard_match: boolean
  readonly brace_match: boolean
}

export const NO_CHECKS: IncludeChecks = { read: false, match: false, wildcard_match: false, brace_match: false }
export const ALL_CHECKS: IncludeChecks = { read: true, match: true, wildcard_match: true, brace_match: true }

const FORMS: Readonly<Record<string, IncludeChecks>> = {
  include: NO_CHECKS,
  includer: { ...NO_CHECKS, read: true },
  includem: { ...NO_CHECKS, match: true },
  includew: { ...NO_CHECKS, match: true, wildcard_match: true },
  includeb: { ...NO_CHECKS, match: true, brace_match: true },
  includea: ALL_CHECKS,
}

/** `include PATTERN` in one of its six forms. */
export interface Include {
  readonly pattern: Text
  readonly checks: IncludeChecks
}

/** The include that a line is, or undefined. The pattern is empty when it is missing. */
export function parseInclude(line: Text, standing: IncludeChecks): Include | undefined {
  const match = /^(include[rmwba]?)(?:[ \t]+|$)/.exec(line.text)
  const form = match === null ? undefined : FORMS[match[1] ?? '']
  if (match === null || form === undefined) return undefined
  const checks = {
    read: form.read || standing.read,
    match: form.match || standing.match,
    wildcard_match: form.wildcard_match || standing.wildcard_match,
    brace_match: form.brace_match || standing.brace_match,
  }
  const rest = line.slice(match[0].length).trim()
  const quoted = /^"([^"]*)"$/.test(rest.text)
  return { pattern: quoted ? rest.slice(1, rest.length - 1) : rest, checks }
}

/** What `include_check WORD…` leaves: no word sets all, a sign in front adds or takes away. Undefined for an unknown word. */
export function changeChecks(standing: IncludeChecks, words: readonly string[]): IncludeChecks | undefined {
  if (words.length === 0) return ALL_CHECKS
  let checks: IncludeChecks = words.some((word) => /^[+-]/.test(word)) ? standing : NO_CHECKS
  for (const word of words) {
    // keepalived's manual page says `readable`, its code `read`.
    const name = word.replace(/^[+-]/, '').replace(/^readable$/, 'read')
    if (!Object.hasOwn(checks, name)) return undefined
    checks = { ...checks, [name]: !word.startsWith('-') }
  }
  return checks
}

export const hasWildcard = (pattern: string): boolean => /[*?[]/.test(pattern)

/** The alternatives of `{a,b}`, nested ones too, as csh has them; `{}` stays as it is. At most 1024. */
export function expandBraces(pattern: string): string[] {
  const done: string[] = []
  const waiting = [pattern]
  for (let next = waiting.pop(); next !== undefined && done.length < 1024; next = waiting.pop()) {
    const group = firstGroup(next)
    if (group === undefined) done.push(next)
    else waiting.push(...group.alternatives.map((each) => group.before + each + group.after).toReversed())
  }
  return done
}

function firstGroup(pattern: string): { before: string; alternatives: string[]; after: string } | undefined {
  const open = pattern.search(/\{(?!\})/)
  if (open === -1) return undefined
  const alternatives: string[] = []
  let depth = 0
  let start = open + 1
  for (let index = open; index < pattern.length; index++) {
    const char = pattern.charAt(index)
    if (char === '{') depth++
    else if (char === '}') depth--
    if ((char === ',' && depth === 1) || (char === '}' && depth === 0)) {
      alternatives.push(pattern.slice(start, index))
      start = index + 1
    }
    if (depth === 0) return { before: pattern.slice(0, open), alternatives, after: pattern.slice(index + 1) }
  }
  return undefined
}
