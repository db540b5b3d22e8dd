/** A configuration text and the name that its diagnostics carry. */
export interface Source {
  readonly name: string
  readonly text: string
}

/** A range of characters of a source, the end excluded. */
export interface Span {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** Line and column, both from 1, and the text of that line. */
export interface Position {
  readonly line: number
  readonly column: number
  readonly lineText: string
}

/** Where an offset lies. Worked out only when a diagnostic is printed. */
export function positionOf(source: Source, offset: number): Position {
  const before = source.text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const lineEnd = source.text.indexOf('\n', lineStart)
  return {
    line: before.split('\n').length,
    column: offset - lineStart + 1,
    lineText: source.text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).replace(/\r$/, ''),
  }
}
