import type { Report } from '../diagnostic.ts'
import { replaceWord } from '../fix.ts'
import { quotedWords, type Word } from '../lexer.ts'
import type { Statement } from '../parser.ts'
import type { Span } from '../source.ts'
import type { Status } from './status.ts'

/** Stands for a value that was reported as wrong. */
export const invalid = Symbol('invalid')
export type Invalid = typeof invalid

/**
 * How a value is written: as the manual shows it, from words to the value, and back. `parse` takes words until it has
 * what it needs; `print(parse(words))` parses to the same value.
 */
export interface Syntax<T> {
  readonly text: string
  /** The words that a value may be, for the completion of shells. */
  readonly words?: readonly string[]
  /** The options by name, for the manual. */
  readonly options?: Readonly<Record<string, OptionSpec>>
  parse(words: Words): T | Invalid
  print(value: T): string
}

/** The words after a keyword, taken one by one; mistakes are reported at their place. */
export class Words {
  readonly report: Report
  /** Told of each option that has no effect. */
  readonly ineffectiveOption: (name: string, at: Span, status: Status) => void
  readonly keyword: Word
  readonly #statement: Pick<Statement, 'line' | 'args'>
  #words: readonly Word[]
  #next = 0

  constructor(
    keyword: Word,
    statement: Pick<Statement, 'line' | 'args'>,
    report: Report,
    ineffectiveOption: (name: string, at: Span, status: Status) => void = () => {},
  ) {
    this.report = report
    this.ineffectiveOption = ineffectiveOption
    this.keyword = keyword
    this.#statement = statement
    this.#words = statement.args
  }

  peek(): Word | undefined {
    return this.#words[this.#next]
  }

  take(): Word | undefined {
    const word = this.#words[this.#next]
    if (word !== undefined) this.#next++
    return word
  }

  /** The next word; that it is missing is reported after the word that it should follow. */
  need(what: string): Word | undefined {
    const word = this.take()
    if (word === undefined) {
      const before = this.#words[this.#next - 1] ?? this.keyword
      this.report('missing-argument', before.at, `\`${before.text}\` needs ${what}`)
    }
    return word
  }

  /** `correct` is what was certainly meant, if that is known. */
  bad(word: Word, expected: string, correct?: string): Invalid {
    const fix = correct === undefined ? undefined : replaceWord(word.at, word.text, correct)
    const hint = correct === undefined ? undefined : `did you mean \`${correct}\`?`
    this.report('bad-value', word.at, `expected ${expected}, found \`${word.text}\``, hint, fix)
    return invalid
  }

  /** Cuts the line anew, as scripts and paths need it; without escapes, as the first of the two cuts of a script. */
  requote(escapes: boolean): void {
    if (this.#next > 0) return
    this.#words = quotedWords(this.#statement.line, escapes).slice(1)
  }

  /** What nobody took is said, and has no effect. */
  finish(): void {
    const extra = this.peek()
    if (extra !== undefined) {
      this.report('extra-argument', extra.at, `\`${extra.text}\` has no meaning here and no effect`)
    }
  }
}

/** One word, decided by itself. */
export function one<T>(spec: {
  text: string
  expected: string
  words?: readonly string[]
  /** What a wrong word certainly means. */
  correct?(text: string): string | undefined
  read(text: string): T | undefined
  print?(value: T): string
}): Syntax<T> {
  return {
    text: spec.text,
    ...(spec.words === undefined ? {} : { words: spec.words }),
    parse(words) {
      const word = words.need(spec.text)
      if (word === undefined) return invalid
      const value = spec.read(word.text)
      return value === undefined ? words.bad(word, spec.expected, spec.correct?.(word.text)) : value
    },
    print: (value) => (spec.print === undefined ? printWord(String(value)) : spec.print(value)),
  }
}

/** A word that the tokenizer gives back: in double quotes where it needs them. */
export function printWord(text: string): string {
  return text === '' || /[\s#!{}]/.test(text) ? `"${text}"` : text
}

/** The same, which may be left out: `fallback` then. */
export function optional<T>(syntax: Syntax<T>): Syntax<T | undefined>
export function optional<T>(syntax: Syntax<T>, fallback: T): Syntax<T>
export function optional<T>(syntax: Syntax<T>, fallback?: T): Syntax<T | undefined> {
  return {
    ...syntax,
    text: `[${syntax.text}]`,
    parse: (words) => (words.peek() === undefined ? fallback : syntax.parse(words)),
    print: (value) => (value === undefined || value === fallback ? '' : syntax.print(value)),
  }
}

/** A value that may be left out, where standing there says something by itself. */
export function maybe<T>(syntax: Syntax<T>): Syntax<{ readonly value: T | undefined }> {
  const inner = optional(syntax)
  return {
    ...inner,
    parse(words) {
      const value = inner.parse(words)
      return value === invalid ? invalid : { value }
    },
    print: ({ value }) => inner.print(value),
  }
}

/** One or more of the same. */
export function many<T>(syntax: Syntax<T>): Syntax<readonly T[]> {
  return {
    ...syntax,
    text: `${syntax.text} …`,
    parse(words) {
      const values: T[] = []
      do {
        const value = syntax.parse(words)
        if (value === invalid) return invalid
        values.push(value)
      } while (words.peek() !== undefined)
      return values
    },
    print: (values) => values.map((value) => syntax.print(value)).join(' '),
  }
}

type Fields<T> = { readonly [K in keyof T]: Syntax<T[K]> }

/** Several in their order, as a record. */
export function fields<T extends object>(specs: Fields<T>): Syntax<T> {
  const keys = Object.keys(specs) as (keyof T)[]
  return {
    text: keys.map((key) => specs[key].text).join(' '),
    parse(words) {
      const values: Partial<T> = {}
      for (const key of keys) {
        const value = specs[key].parse(words)
        if (value === invalid) return invalid
        values[key] = value
      }
      return values as T
    },
    print: (value) =>
      keys
        .map((key) => specs[key].print(value[key]))
        .filter(Boolean)
        .join(' '),
  }
}

/** An option of a line: `brd 10.0.0.255`, or a word alone. */
export interface OptionSpec<T = unknown> {
  readonly help: string
  /** Undefined: the word alone, which means true. */
  readonly syntax: Syntax<T> | undefined
  /** The option that this is another name of. */
  readonly aliasOf?: string
  /** What to write instead. */
  readonly deprecatedFor?: string
  /** What comes of it, where that is not the same as of its line. */
  readonly status?: Status
}

export function option<T>(syntax: Syntax<T>, help: string): OptionSpec<T> {
  return { syntax, help }
}

/** An option without a value. */
export function mark(help: string): OptionSpec<true> {
  return { syntax: undefined, help }
}

/** The option never has an effect, for this reason. */
export function withoutEffect<T>(why: string, spec: OptionSpec<T>): OptionSpec<T> {
  return { ...spec, status: { effect: 'none', why } }
}

export function anotherNameOf<T>(name: string, spec: OptionSpec<T>): OptionSpec<T> & { readonly aliasOf: string } {
  return { ...spec, help: `Another name of \`${name}\`.`, aliasOf: name }
}

type OptionValue<S> = S extends OptionSpec<infer T> ? T : never
export type OptionValues<S> = {
  -readonly [K in keyof S as S[K] extends { aliasOf: string } ? never : K]?: OptionValue<S[K]>
}

/** Options in any order, each at most once, up to the first word that is none. */
export function options<const S extends Readonly<Record<string, OptionSpec>>>(
  specs: S,
): Syntax<OptionValues<S>> & { readonly options: S } {
  const names = Object.entries(specs)
  return {
    text: names
      .filter(([, { aliasOf }]) => aliasOf === undefined)
      .map(([name, { syntax }]) => (syntax === undefined ? `[${name}]` : `[${name} ${syntax.text}]`))
      .join(' '),
    words: names.map(([name]) => name),
    options: specs,
    parse(words) {
      const values: Record<string, unknown> = {}
      for (let word = words.peek(); word !== undefined; word = words.peek()) {
        const spec = Object.hasOwn(specs, word.text) ? specs[word.text] : undefined
        if (spec === undefined) break
        words.take()
        if (spec.status !== undefined) words.ineffectiveOption(word.text, word.at, spec.status)
        if (spec.deprecatedFor !== undefined) {
          const message = `\`${word.text}\` is deprecated`
          words.report('deprecated-keyword', word.at, message, `use \`${spec.deprecatedFor}\``)
        }
        const value = spec.syntax === undefined ? true : spec.syntax.parse(words)
        if (value === invalid) return invalid
        const name = spec.aliasOf ?? word.text
        if (name in values) words.report('repeated-keyword', word.at, `\`${word.text}\` twice; the last one counts`)
        values[name] = value
      }
      return values as OptionValues<S>
    },
    print(values) {
      const said = values as Readonly<Record<string, unknown>>
      return names
        .filter(([name]) => said[name] !== undefined)
        .map(([name, { syntax }]) => (syntax === undefined ? name : `${name} ${syntax.print(said[name])}`))
        .join(' ')
    },
  }
}

/** Positional values, then options, in one record. */
export function withOptions<T extends object, const S extends Readonly<Record<string, OptionSpec>>>(
  head: Syntax<T>,
  specs: S,
): Syntax<T & OptionValues<S>> {
  const tail = options(specs)
  return {
    text: `${head.text} ${tail.text}`.trim(),
    options: specs,
    words: Object.keys(specs),
    parse(words) {
      const first = head.parse(words)
      if (first === invalid) return invalid
      const rest = tail.parse(words)
      return rest === invalid ? invalid : { ...first, ...rest }
    },
    print: (value) => [head.print(value), tail.print(value)].filter(Boolean).join(' '),
  }
}
