import { positionOf, type Span } from './source.ts'

/** Stable names: scripts may match on them. */
export type DiagnosticCode =
  | 'unterminated-quote'
  | 'unexpected-brace'
  | 'missing-brace'
  | 'unknown-keyword'
  | 'unsupported-keyword'
  | 'missing-argument'
  | 'extra-argument'
  | 'bad-value'
  | 'repeated-keyword'
  | 'missing-keyword'
  | 'rule'

/** One mistake in a configuration, with its place. */
export interface Diagnostic {
  readonly code: DiagnosticCode
  readonly severity: 'error' | 'warning'
  readonly at: Span
  readonly message: string
  /** What to write instead, shown after the caret. */
  readonly hint?: string
}

const LONGEST_LINE = 160

/** `file:line:column: error[code]: message`, the source line, and a caret under the span. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { at, code, severity, message, hint } = diagnostic
  const { line, column, lineText } = positionOf(at.source, at.start)
  const number = String(line).padStart(5)
  const width = Math.max(1, Math.min(at.end - at.start, lineText.length - column + 1))
  const shown = lineText.length > LONGEST_LINE ? `${lineText.slice(0, LONGEST_LINE)}…` : lineText
  // Tabs keep their width, so that the caret stands under the word.
  const indent = lineText.slice(0, column - 1).replace(/[^\t]/g, ' ')
  return [
    `${at.source.name}:${line}:${column}: ${severity}[${code}]: ${message}`,
    `${number} | ${shown}`,
    `      | ${indent}${'^'.repeat(width)}${hint === undefined ? '' : ` ${hint}`}`,
  ].join('\n')
}

/** The candidate that `word` is most likely a misspelling of: at most a third of its letters differ. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(word, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
