import type { Source, Span } from './source.ts'

/** Characters from `at` on come from `span`: one for one when `verbatim`, else they stand for the whole of it. */
interface Run {
  readonly at: number
  readonly span: Span
  readonly verbatim: boolean
}

/** A piece of text of which every character knows where it was written, through includes, definitions and loops. */
export class Text {
  readonly text: string
  readonly #runs: readonly Run[]

  private constructor(text: string, runs: readonly Run[]) {
    this.text = text
    this.#runs = runs
  }

  /** Characters `start` to `end` of a source. */
  static of(source: Source, start: number, end: number): Text {
    return new Text(source.text.slice(start, end), [{ at: 0, span: { source, start, end }, verbatim: true }])
  }

  /** A text that stands nowhere, in the place of what is at `span`: the number of a loop, the value of a predefined name. */
  static standingFor(text: string, span: Span): Text {
    return new Text(text, [{ at: 0, span, verbatim: false }])
  }

  static join(parts: readonly Text[]): Text {
    const [only] = parts
    if (only !== undefined && parts.length === 1) return only
    const runs: Run[] = []
    let text = ''
    for (const part of parts) {
      for (const run of part.#runs) runs.push({ ...run, at: run.at + text.length })
      text += part.text
    }
    return new Text(text, runs)
  }

  get length(): number {
    return this.text.length
  }

  slice(start: number, end = this.text.length): Text {
    if (start === 0 && end === this.text.length) return this
    const runs: Run[] = []
    for (let index = this.#indexAt(start); index < this.#runs.length; index++) {
      const run = this.#runs[index]
      if (run === undefined || (run.at >= end && runs.length > 0)) break
      const skipped = Math.max(0, start - run.at)
      const span = run.verbatim ? { ...run.span, start: Math.min(run.span.start + skipped, run.span.end) } : run.span
      runs.push({ ...run, span, at: Math.max(0, run.at - start) })
    }
    return new Text(this.text.slice(start, end), runs)
  }

  trim(): Text {
    const start = this.text.length - this.text.trimStart().length
    return this.slice(start, Math.max(start, this.text.trimEnd().length))
  }

  /** The same characters as the result of an expansion that `use` asked for. */
  usedAt(use: Span): Text {
    const runs = this.#runs.map((run) => ({ ...run, span: under(run.span, use) }))
    return new Text(this.text, runs)
  }

  /** Where characters `start` to `end` were written. When that is more than one place: where the expansion was asked for. */
  span(start = 0, end = this.text.length): Span {
    const first = this.#runAt(start)
    const last = this.#runAt(Math.max(start, end - 1))
    if (first === last) return at(first, start, end)
    return enclosing(at(first, start, start + 1), at(last, Math.max(start, end - 1), end))
  }

  /** Whether its characters were written in more places than one. */
  get isJoined(): boolean {
    return this.#runs.length > 1
  }

  /** Every place that its characters were written in. */
  places(): readonly Span[] {
    return this.#runs.map(({ span }) => span)
  }

  #runAt(offset: number): Run {
    const found = this.#runs[this.#indexAt(offset)]
    if (found === undefined) throw new Error('a text without an origin')
    return found
  }

  /** Index of the run that holds a character; the last one for an offset at the end. */
  #indexAt(offset: number): number {
    let low = 0
    let high = this.#runs.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#runs[middle]?.at ?? 0) <= offset) low = middle
      else high = middle
    }
    return low
  }
}

function at(run: Run, start: number, end: number): Span {
  if (!run.verbatim) return run.span
  const from = Math.min(run.span.start + start - run.at, run.span.end)
  return { ...run.span, start: from, end: Math.min(from + end - start, run.span.end) }
}

/** Puts `use` under the outermost expansion of a span. */
function under(span: Span, use: Span): Span {
  return { ...span, expandedFrom: span.expandedFrom === undefined ? use : under(span.expandedFrom, use) }
}

/** The least place that holds both: in the same text, or where the expansions that brought them there meet. */
function enclosing(a: Span, b: Span): Span {
  for (let left: Span | undefined = a; left !== undefined; left = left.expandedFrom) {
    for (let right: Span | undefined = b; right !== undefined; right = right.expandedFrom) {
      if (left.source !== right.source || !same(left.expandedFrom, right.expandedFrom)) continue
      return { ...left, start: Math.min(left.start, right.start), end: Math.max(left.end, right.end) }
    }
  }
  return a
}

function same(a: Span | undefined, b: Span | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.source === b.source && a.start === b.start && a.end === b.end && same(a.expandedFrom, b.expandedFrom)
}
