import { closest, type Diagnostic, type DiagnosticCode } from './diagnostic.ts'
import { knownKeywords } from './keywords/known.ts'
import type { Word } from './lexer.ts'
import type { Statement } from './parser.ts'
import type { Span } from './source.ts'

/**
 * The small language in which keywords are declared. A declaration is data: name, help, arguments with type, unit and
 * range. Checking a file, its diagnostics and the suggestions all come from it.
 */
export interface Argument<T> {
  /** As the manual shows it: `<1-255>`. */
  readonly syntax: string
  /** The value, or what was expected in the words of a diagnostic. */
  parse(text: string): { readonly value: T } | { readonly expected: string }
  readonly optional?: boolean
}

/** Collects diagnostics while statements are applied. */
export interface Report {
  (code: DiagnosticCode, at: Span, message: string, hint?: string): void
}

/** A keyword or a block inside a block whose draft is a `Draft`. */
export interface Keyword<Draft> {
  readonly name: string
  readonly help: string
  readonly repeatable: boolean
  apply(draft: Draft, statement: Statement, report: Report): void
}

/** What may stand between the braces of a block. `path` names it as keepalived's keyword table does. */
export interface Body<Draft> {
  readonly path: string
  readonly keywords: readonly Keyword<Draft>[]
}

type Arguments<A extends readonly unknown[]> = { readonly [K in keyof A]: Argument<A[K]> }

/** `name argument…` */
export function keyword<Draft, const A extends readonly unknown[]>(spec: {
  name: string
  help: string
  args: Arguments<A>
  repeatable?: boolean
  set(draft: Draft, args: A, at: Span): void
}): Keyword<Draft> {
  return {
    name: spec.name,
    help: spec.help,
    repeatable: spec.repeatable ?? false,
    apply(draft, statement, report) {
      if (statement.block !== undefined) {
        report('unexpected-brace', statement.keyword.at, `\`${spec.name}\` has no block`)
        return
      }
      const args = parseArguments(spec.args, statement, report)
      if (args !== undefined) spec.set(draft, args, statement.keyword.at)
    },
  }
}

/** `name argument… { … }`: `open` makes the draft of the inside. */
export function block<Draft, Inner, const A extends readonly unknown[]>(spec: {
  name: string
  help: string
  args: Arguments<A>
  repeatable?: boolean
  body: Body<Inner>
  open(draft: Draft, args: A, at: Span): Inner
}): Keyword<Draft> {
  return {
    name: spec.name,
    help: spec.help,
    repeatable: spec.repeatable ?? true,
    apply(draft, statement, report) {
      if (statement.block === undefined) {
        report('missing-brace', statement.keyword.at, `\`${spec.name}\` needs a block { … }`)
        return
      }
      const args = parseArguments(spec.args, statement, report)
      if (args !== undefined)
        applyBody(spec.body, spec.open(draft, args, statement.keyword.at), statement.block, report)
    },
  }
}

/** `name { line… }`, where the lines are values, not keywords. */
export function list<Draft>(spec: {
  name: string
  help: string
  syntax: string
  add(draft: Draft, words: readonly [Word, ...Word[]], report: Report): void
}): Keyword<Draft> {
  return {
    name: spec.name,
    help: spec.help,
    repeatable: true,
    apply(draft, statement, report) {
      if (statement.block === undefined) {
        report('missing-brace', statement.keyword.at, `\`${spec.name}\` needs a block { ${spec.syntax} … }`)
        return
      }
      for (const line of statement.block) spec.add(draft, [line.keyword, ...line.args], report)
    },
  }
}

/** Applies the statements of a block to its draft; every mistake is reported and the rest goes on. */
export function applyBody<Draft>(
  body: Body<Draft>,
  draft: Draft,
  statements: readonly Statement[],
  report: Report,
): void {
  const seen = new Set<string>()
  for (const statement of statements) {
    const { text, at } = statement.keyword
    const found = body.keywords.find((candidate) => candidate.name === text)
    if (found === undefined) {
      reportUnknown(body, statement, report)
      continue
    }
    if (seen.has(text) && !found.repeatable) {
      report('repeated-keyword', at, `\`${text}\` stands here twice; the last one counts`)
    }
    seen.add(text)
    found.apply(draft, statement, report)
  }
}

function reportUnknown<Draft>(body: Body<Draft>, statement: Statement, report: Report): void {
  const { text, at } = statement.keyword
  const where = body.path === '/' ? 'at the top level' : `in ${body.path.split('/').at(-1)}`
  const known = knownKeywords(body.path)
  if (known.has(text)) {
    report('unsupported-keyword', at, `keepalived knows \`${text}\` ${where}; Tanist does not support it yet`)
    return
  }
  const suggestion = closest(text, [...body.keywords.map(({ name }) => name), ...known])
  report(
    'unknown-keyword',
    at,
    `unknown keyword \`${text}\` ${where}`,
    suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`,
  )
}

function parseArguments<A extends readonly unknown[]>(
  specs: Arguments<A>,
  statement: Statement,
  report: Report,
): A | undefined {
  const values: unknown[] = []
  let valid = true
  for (const [index, spec] of specs.entries()) {
    const word = statement.args[index]
    if (word === undefined) {
      if (spec.optional !== true) {
        report('missing-argument', statement.keyword.at, `\`${statement.keyword.text}\` needs ${spec.syntax}`)
        return undefined
      }
      values.push(undefined)
      continue
    }
    const result = spec.parse(word.text)
    if ('value' in result) {
      values.push(result.value)
    } else {
      report('bad-value', word.at, `expected ${result.expected}, found \`${word.text}\``)
      valid = false
    }
  }
  const extra = statement.args[specs.length]
  if (extra !== undefined) {
    report('extra-argument', extra.at, `\`${statement.keyword.text}\` takes ${specs.length || 'no'} argument(s)`)
    return undefined
  }
  // Each element was parsed by the Argument of its place, so the list has the tuple's type.
  return valid ? (values as unknown as A) : undefined
}

/** A diagnostics list and the Report that fills it. Repeated keywords are warnings, everything else is an error. */
export function collectDiagnostics(into: Diagnostic[]): Report {
  return (code, at, message, hint) => {
    const severity = code === 'repeated-keyword' ? 'warning' : 'error'
    into.push({ code, severity, at, message, ...(hint === undefined ? {} : { hint }) })
  }
}
