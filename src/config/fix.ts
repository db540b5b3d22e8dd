import type { Span } from './source.ts'

/** A correction: what to write in the place of a range of one source. Empty text takes the range out. */
export interface Fix {
  readonly at: Span
  readonly text: string
}

/**
 * `text` in the place of a word. None where the word stands as something else in the file, as in what a definition or a loop
 * made: other places may need it as it is.
 */
export function replaceWord(at: Span, written: string, text: string): Fix | undefined {
  return standsForItself(at) && at.source.text.slice(at.start, at.end) === written ? { at, text } : undefined
}

/** Whether a text came into the configuration as it stands in the file, once: not by a definition or a loop. */
function standsForItself({ source: { text }, start, expandedFrom }: Span): boolean {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  return expandedFrom === undefined && !/^\s*(@\S+\s+)*[~$]/.test(text.slice(lineStart, start))
}

/** The statement whose keyword stands at `at`, without its value: `value` in its place. */
export function replaceValue(at: Span, value: string): Fix | undefined {
  if (!standsForItself(at)) return undefined
  return { at: { source: at.source, start: at.end, end: endOfStatement(at) }, text: ` ${value}` }
}

/** Takes out the statement, which has no block, whose keyword stands at `at`: the whole line when there is nothing else on it. */
export function removeStatement(at: Span): Fix | undefined {
  const { source, start } = at
  if (!standsForItself(at)) return undefined
  const { text } = source
  const end = endOfStatement(at)
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const lineEnd = endOfLine(text, end)
  const before = text.slice(lineStart, start).trim()
  const isLast = text.slice(end, lineEnd).trim() === ''
  if (before === '' && isLast) {
    return { at: { source, start: lineStart, end: Math.min(text.length, lineEnd + 1) }, text: '' }
  }
  // After a condition (@ID) or within a loop the line would not be left as it was.
  if (before !== '' && !/[{}]$/.test(before)) return undefined
  const blanks = isLast ? text.slice(lineStart, start).length - text.slice(lineStart, start).trimEnd().length : 0
  return { at: { source, start: start - blanks, end }, text: '' }
}

/** Up to a brace, a comment or the end of the line, without the blanks before it. */
function endOfStatement({ source: { text }, end }: Span): number {
  const lineEnd = endOfLine(text, end)
  let quoted = false
  let at = end
  for (; at < lineEnd; at++) {
    const char = text.charAt(at)
    if (char === '"') quoted = !quoted
    if (!quoted && /[{}!#]/.test(char) && text.charAt(at - 1) !== '\\') break
  }
  return end + text.slice(end, at).trimEnd().length
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from)
  return found === -1 ? text.length : found
}

/** Corrections of one text, in its order, without those that another one has taken the place of. */
function inOrder(fixes: readonly Fix[]): Fix[] {
  const kept: Fix[] = []
  for (const fix of fixes.toSorted((a, b) => a.at.start - b.at.start || a.at.end - b.at.end)) {
    const last = kept.at(-1)
    if (last === undefined || fix.at.start >= last.at.end) kept.push(fix)
  }
  return kept
}

/** The text of a source with its corrections. */
export function correctedText(text: string, fixes: readonly Fix[]): string {
  let result = ''
  let done = 0
  for (const { at, text: put } of inOrder(fixes)) {
    result += text.slice(done, at.start) + put
    done = at.end
  }
  return result + text.slice(done)
}
