import type { Report } from '../diagnostic.ts'
import type { Statement } from '../parser.ts'
import type { Span } from '../source.ts'
import type { Status } from './status.ts'
import type { OptionSpec } from './syntax.ts'

/** Where the parts of a configuration were written; kept beside the values, so that these stay plain data. */
export class Places {
  readonly #blocks = new WeakMap<object, Record<string, Span>>()
  readonly #broken = new WeakMap<object, Set<string>>()

  set(block: object, keyword: string, at: Span): void {
    const known = this.#blocks.get(block)
    if (known === undefined) this.#blocks.set(block, { [keyword]: at })
    else known[keyword] = at
  }

  /** Where a keyword was last said in a block, or undefined. The empty keyword is the block itself. */
  said(block: object, keyword: string): Span | undefined {
    const known = this.#blocks.get(block)
    return known !== undefined && Object.hasOwn(known, keyword) ? known[keyword] : undefined
  }

  /** Remembers that a block says a keyword wrongly: that it has no value then is no mistake of its own. */
  setBroken(block: object, keyword: string): void {
    const known = this.#broken.get(block) ?? new Set()
    this.#broken.set(block, known.add(keyword))
  }

  broken(block: object, keyword: string): boolean {
    return this.#broken.get(block)?.has(keyword) === true
  }

  /** Where to point for a keyword of a block: at the block when it does not say it. */
  of(block: object, keyword = ''): Span {
    const at = this.said(block, keyword) ?? this.said(block, '')
    if (at === undefined) throw new Error(`nothing is known of the place of ${keyword}`)
    return at
  }
}

/** Keywords and options that were used and have no effect for one reason: their names, and where they stand. */
export interface Ineffective {
  readonly status: Exclude<Status, { readonly effect: 'works' }>
  readonly names: Set<string>
  readonly places: Span[]
}

/** What is collected while statements are read. */
export interface Context {
  readonly report: Report
  /** A brace is missing or too much: what stands in the wrong block is told once. */
  readonly bracesAreWrong: boolean
  /** How many errors were reported so far. */
  readonly errors: () => number
  readonly places: Places
  /** By feature, or by the reason for which they never have one. */
  readonly ineffective: Map<string, Ineffective>
  /** What may stand at the top level. */
  readonly root: Entries
  /** Within a block that has no effect as a whole: its parts are not told one by one. */
  readonly withoutEffect: boolean
}

/** A keyword in its block: everything that is known of it. */
export interface Entry<T = unknown> {
  readonly help: string
  readonly status: Status
  /** As the manual shows what follows the keyword. */
  readonly syntax: string
  /** What it is when nothing says it, in words; undefined when there is no such value. */
  readonly fallback: string | undefined
  /** Whether a block may say it more than once and mean all of them. */
  readonly repeatable: boolean
  /** The keyword that this is another name of. */
  readonly aliasOf?: string
  /** What may stand between its braces. */
  readonly body?: Entries
  readonly options?: Readonly<Record<string, OptionSpec>>
  /** The words that its value may be, for completion. */
  readonly words?: readonly string[]
  /** A value that asks for nothing, as `off` and an empty list do in any case. */
  readonly neutral?: unknown
  /** What it is before the block says anything. Shared, so never changed in place. */
  readonly initial: T
  /** The value after one more statement. */
  apply(value: T, statement: Statement, context: Context, path: string): T
  /** The statements that give the value, each line indented by `indent`. */
  print(name: string, value: T, indent: string): string[]
}

/** What may stand between the braces of a block, by keyword. */
export type Entries = Readonly<Record<string, Entry>>

type Value<E> = E extends Entry<infer T> ? T : never
/** The values of a block. */
export type Values<E> = {
  -readonly [K in keyof E as E[K] extends { readonly aliasOf: string } ? never : K]: Value<E[K]>
}
