import { editDistance } from './edit-distance.ts'
import type { Fix } from './fix.ts'
import { HIDDEN, secretStart } from './secrecy.ts'
import { placeText, positionOf, type Span } from './source.ts'

export type Severity = 'error' | 'warning' | 'note'

/**
 * Every kind of mistake, with how grave it is: an error refuses the file, a warning says what will not be as it was
 * written, a note helps to read. The names are stable: scripts may match on them.
 */
const SEVERITIES = {
  // The text itself
  'unterminated-quote': 'error',
  'unexpected-brace': 'error',
  'missing-brace': 'error',
  'bad-character': 'error',
  'too-long': 'error',
  'unrendered-template': 'error',
  'empty-file': 'warning',
  'cut-value': 'warning',
  'missing-file': 'error',
  'no-match': 'warning',
  'include-cycle': 'error',
  'expansion-limit': 'error',
  'bad-definition': 'error',
  'unclear-definition': 'warning',
  'undefined-name': 'warning',
  // Keywords and their arguments
  'unknown-keyword': 'error',
  'obsolete-keyword': 'warning',
  'other-case': 'warning',
  'refused-keyword': 'error',
  'missing-argument': 'error',
  'extra-argument': 'warning',
  'bad-value': 'error',
  'rounded-value': 'warning',
  'repeated-keyword': 'note',
  'deprecated-keyword': 'warning',
  'no-effect': 'warning',
  'ignored-value': 'warning',
  'assumed-value': 'warning',
  'one-client': 'warning',
  'not-effective-yet': 'warning',
  'not-running': 'warning',
  // Across keywords and blocks
  'missing-keyword': 'error',
  'duplicate-name': 'error',
  'duplicate-router-id': 'error',
  'duplicate-address': 'error',
  'duplicate-server': 'error',
  'unknown-name': 'error',
  'mixed-families': 'error',
  'other-family': 'warning',
  'not-link-local': 'warning',
  'bad-authentication': 'error',
  'bad-preemption': 'warning',
  'bad-priority': 'warning',
  'bad-quorum': 'warning',
  'bad-port': 'error',
  'bad-weight': 'warning',
  'strict-mode': 'error',
  'bad-length': 'warning',
  'strict-accepts': 'warning',
  'long-timeout': 'warning',
  unused: 'warning',
  'no-server': 'warning',
  'no-check': 'warning',
  'lonely-member': 'warning',
  'no-peer': 'warning',
  'no-virtual-address': 'warning',
  'repeated-address': 'warning',
  'repeated-name': 'warning',
  'repeated-server': 'warning',
  'no-mail': 'warning',
  'open-password': 'warning',
  'no-preference': 'warning',
  'too-many': 'error',
  // This host
  'host-interface': 'error',
  'host-kernel': 'error',
  'host-program': 'error',
  'host-script': 'error',
  'host-user': 'error',
  'host-file': 'error',
  'host-unsafe': 'error',
  'host-own-port': 'error',
  'host-secret': 'warning',
  'host-missing': 'warning',
  'host-address': 'warning',
  'host-firewall': 'warning',
  // Two files of a pair
  'pair-differs': 'error',
  'pair-priority': 'warning',
  'pair-peers': 'error',
  // A drill
  'bad-yaml': 'error',
} as const satisfies Readonly<Record<string, Severity>>

export type DiagnosticCode = keyof typeof SEVERITIES

/** One mistake in a configuration, with its place. */
export interface Diagnostic {
  readonly code: DiagnosticCode
  readonly severity: Severity
  readonly at: Span
  readonly message: string
  /** What to write instead, shown after the caret. */
  readonly hint?: string
  /** A correction that can be made without asking what was meant. */
  readonly fix?: Fix
}

/** Collects diagnostics. */
export interface Report {
  (code: DiagnosticCode, at: Span, message: string, hint?: string, fix?: Fix): void
}

/** Diagnostics that are kept of one configuration; the next one says that there are more. */
export const DIAGNOSTIC_LIMIT = 1000

/** A list, the Report that fills it, and how many errors it holds. */
export function collectDiagnostics(): { diagnostics: Diagnostic[]; report: Report; errors: () => number } {
  const diagnostics: Diagnostic[] = []
  let errors = 0
  const report: Report = (code, at, message, hint, fix) => {
    if (SEVERITIES[code] === 'error') errors++
    if (diagnostics.length > DIAGNOSTIC_LIMIT) return
    if (diagnostics.length === DIAGNOSTIC_LIMIT) {
      diagnostics.push({ code: 'too-many', severity: 'error', at, message: 'too many mistakes; the rest is not shown' })
      return
    }
    diagnostics.push({
      code,
      severity: SEVERITIES[code],
      at,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(fix === undefined ? {} : { fix }),
    })
  }
  return { diagnostics, report, errors: () => errors }
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

/** Errors first, then warnings, then notes; among themselves as they came. */
export function errorsFirst(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity])
}

const LONGEST_LINE = 160

/** Escape sequences for a terminal; each is empty where colours are not wanted. */
interface Palette {
  readonly severity: Readonly<Record<Severity, string>>
  readonly bold: string
  readonly dim: string
  readonly reset: string
}

const PLAIN: Palette = { severity: { error: '', warning: '', note: '' }, bold: '', dim: '', reset: '' }
const COLOURED: Palette = {
  severity: { error: '\u001B[1;31m', warning: '\u001B[1;33m', note: '\u001B[1;36m' },
  bold: '\u001B[1m',
  dim: '\u001B[2m',
  reset: '\u001B[0m',
}

/** `file:line:column: error[code]: message`, the source line, a caret under the span, and how the text got there. */
export function formatDiagnostic(diagnostic: Diagnostic, colours = false): string {
  const { bold, dim, reset, severity: colour } = colours ? COLOURED : PLAIN
  const { at, code, severity } = diagnostic
  const { message, hint } = wordsOf(diagnostic)
  const { line, column, lineText, width } = excerptOf(at)
  const number = String(line).padStart(5)
  // The part around the mistake, when the line is long.
  const from = lineText.length > LONGEST_LINE ? Math.max(0, Math.min(column - 1, lineText.length - LONGEST_LINE)) : 0
  const shown = printable(lineText.slice(from, from + LONGEST_LINE))
  // Tabs keep their width, so that the caret stands under the word.
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  const caret = '^'.repeat(Math.min(width, LONGEST_LINE))
  return [
    `${bold}${printable(at.source.name)}:${line}:${column}: ${colour[severity]}${severity}[${code}]${reset}${bold}: ${message}${reset}`,
    `${dim}${number} |${reset} ${shown}`,
    `${dim}      |${reset} ${indent}${colour[severity]}${caret}${hint === undefined ? '' : ` ${hint}`}${reset}`,
    ...originLines(at).map((line) => `${dim}      = ${line}${reset}`),
  ].join('\n')
}

/** Where a mistake stands and its line, with what is or may be a secret hidden, also the place of a mistake within it. */
function excerptOf({ source, start, end }: Span): { line: number; column: number; lineText: string; width: number } {
  const { line, column, lineText } = positionOf(source, start)
  const secret = secretStart(source, start) ?? lineText.length
  if (secret >= lineText.length) {
    return { line, column, lineText, width: Math.max(1, Math.min(end - start, lineText.length - column + 1)) }
  }
  const hidden = { line, lineText: lineText.slice(0, secret) + HIDDEN }
  if (column > secret) return { ...hidden, column: secret + 1, width: HIDDEN.length }
  return { ...hidden, column, width: Math.max(1, Math.min(end - start, secret - column + 1)) }
}

/** Its message and hint, without words that are or may be a secret: those in backquotes that its line does not show. */
function wordsOf({ code, at, message, hint }: Diagnostic): { message: string; hint?: string } {
  const { lineText } = positionOf(at.source, at.start)
  const secret = secretStart(at.source, at.start)
  // These two compare what was accepted, and name no word of the line.
  if (secret === undefined || /^(pair|host)-/.test(code)) {
    return { message: printable(message), ...(hint === undefined ? {} : { hint: printable(hint) }) }
  }
  const [visible, hidden] = [lineText.slice(0, secret), lineText.slice(secret)]
  const hide = (text: string, mayShow: (word: string) => boolean) =>
    printable(text.replace(/`([^`]*)`/g, (quoted, word: string) => (mayShow(word) ? quoted : `\`${HIDDEN}\``)))
  return {
    message: hide(message, (word) => visible.includes(word)),
    ...(hint === undefined ? {} : { hint: hide(hint, (word) => !hidden.includes(word)) }),
  }
}

/** Control characters, which could play with a terminal, are shown as what they are not. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\t]|[\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD')

/** Origins that are shown at each end of a longer list: definitions can lead to one another many times. */
const ORIGINS_SHOWN = 3

function originLines(at: Span): string[] {
  const all = origins(at).map(({ how, span }) => `${how} ${printable(placeText(span))}`)
  if (all.length <= 2 * ORIGINS_SHOWN + 1) return all
  const left = all.length - 2 * ORIGINS_SHOWN
  return [...all.slice(0, ORIGINS_SHOWN), `… ${left} more …`, ...all.slice(-ORIGINS_SHOWN)]
}

/** How a text came to where it counts: the innermost use first. */
function origins(at: Span): { how: 'expanded from' | 'included from'; span: Span }[] {
  const list: { how: 'expanded from' | 'included from'; span: Span }[] = []
  let outermost = at
  for (let use = at.expandedFrom; use !== undefined; use = use.expandedFrom) {
    list.push({ how: 'expanded from', span: use })
    outermost = use
  }
  for (let from = outermost.source.includedFrom; from !== undefined; from = from.source.includedFrom) {
    list.push({ how: 'included from', span: from })
  }
  return list
}

/** A diagnostic as plain data for tools. Lines and columns count from 1; `endColumn` is the first one after the span. */
export interface DiagnosticJson {
  readonly severity: Severity
  readonly code: DiagnosticCode
  readonly message: string
  readonly hint?: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endColumn: number
  /** What to put in the place of the characters from `start` to `end` (from 0) of the file. */
  readonly fix?: { readonly start: number; readonly end: number; readonly text: string }
  readonly origins: readonly {
    readonly how: string
    readonly file: string
    readonly line: number
    readonly column: number
  }[]
}

export function diagnosticJson(diagnostic: Diagnostic): DiagnosticJson {
  const { at, code, severity, fix } = diagnostic
  const place = ({ source, start }: Span) => {
    const { line, column } = positionOf(source, start)
    return { file: source.name, line, column }
  }
  const { line, column, width } = excerptOf(at)
  const hidesPlace = secretStart(at.source, at.start) !== undefined
  return {
    severity,
    code,
    ...wordsOf(diagnostic),
    file: at.source.name,
    line,
    column,
    endColumn: hidesPlace ? column + width : column + at.end - at.start,
    ...(fix === undefined ? {} : { fix: { start: fix.at.start, end: fix.at.end, text: fix.text } }),
    origins: origins(at).map(({ how, span }) => ({ how, ...place(span) })),
  }
}

const SHORTEST_ABBREVIATION = 3

/** The candidate that `word` most likely stands for: at most a third of its letters differ, whatever their case, or it is the beginning. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  if (best !== undefined || word.length < SHORTEST_ABBREVIATION) return best
  return [...candidates].filter((each) => each.startsWith(word)).toSorted((a, b) => a.length - b.length)[0]
}
