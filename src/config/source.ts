/** A configuration text and the name that its diagnostics carry. */
export interface Source {
  readonly name: string
  readonly text: string
  /** The include statement that brought it in. */
  readonly includedFrom?: Span
}

/** A range of characters of a source, the end excluded. */
export interface Span {
  readonly source: Source
  readonly start: number
  readonly end: number
  /** Where the definition or loop that holds these characters was used. */
  readonly expandedFrom?: Span
}

/** Line and column, both from 1, and the text of that line. */
export interface Position {
  readonly line: number
  readonly column: number
  readonly lineText: string
}

/** `file:line:column` */
export function placeText({ source, start }: Span): string {
  const { line, column } = positionOf(source, start)
  return `${source.name}:${line}:${column}`
}

const lineStarts = new WeakMap<Source, readonly number[]>()

function startsOf(source: Source): readonly number[] {
  const cached = lineStarts.get(source)
  if (cached !== undefined) return cached
  const starts = [0]
  for (let at = source.text.indexOf('\n'); at !== -1; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1)
  lineStarts.set(source, starts)
  return starts
}

/** Where an offset lies. Worked out only when a diagnostic is printed. */
export function positionOf(source: Source, offset: number): Position {
  const starts = startsOf(source)
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  const lineStart = starts[low] ?? 0
  const next = starts[low + 1]
  const lineEnd = next === undefined ? source.text.length : next - 1
  return {
    line: low + 1,
    column: offset - lineStart + 1,
    lineText: source.text.slice(lineStart, lineEnd).replace(/\r$/, ''),
  }
}
