import type { Report } from '../diagnostic.ts'
import type { Span } from '../source.ts'
import { Text } from '../text.ts'

/** What the predefined names stand for. */
export interface Predefined {
  /** `${_PWD}`: directory of the file that is being read. */
  readonly directory: string
  /** `${_INSTANCE}` */
  readonly configId: string
  /** `${_ENV NAME}`: a variable of the environment, empty when there is none. */
  environment(name: string): string
  /** `${_RANDOM MIN MAX}`: a whole number, limits included. */
  random(low: number, high: number): number
}

/** How deep definitions may use one another; deeper is a definition that uses itself. */
const DEPTH_LIMIT = 32
/** Characters that all definitions of a configuration may expand to, each line counting as one more. */
const EXPANSION_LIMIT = 4 * 1024 * 1024

/** `${NAME}` anywhere, `$NAME` before a blank, a comma, a closing parenthesis or the end; `${_ENV X}`, `${_RANDOM …}`. */
const REFERENCE = /\$\{([A-Za-z_]\w*)((?:[ \t]+[^\s}$]+)*)[ \t]*\}|\$([A-Za-z_]\w*)(?=[ \t,)]|$)/g

const HIGHEST_RANDOM = 32767

/** What a line comes to: the same one when it refers to nothing, and the lines that are to be read after it. */
export interface Expansion {
  readonly first: Text
  readonly more: readonly Text[]
}

/** `$NAME=VALUE`, as far as the file has been read. A name that is not defined stays as it is, with a warning. */
export class Definitions {
  readonly #values = new Map<string, readonly Text[]>()
  readonly #report: Report
  #budget = EXPANSION_LIMIT
  #exhausted = false
  /** Where names stand that are not defined; each place is told once, however often it is read. */
  readonly #undefined = new Set<string>()

  constructor(report: Report) {
    this.#report = report
  }

  get(name: string): readonly Text[] | undefined {
    return this.#values.get(name)
  }

  /** `undefined` removes the definition. */
  set(name: string, value: readonly Text[] | undefined): void {
    if (value === undefined) this.#values.delete(name)
    else this.#values.set(name, value)
  }

  /**
   * The line with every reference replaced by its definition, once: what comes of it may be a definition, a condition or
   * a loop that the next reference depends on. `depth` is how many definitions have led to this line.
   */
  expand(line: Text, predefined: Predefined, depth: number): Expansion {
    if (!line.text.includes('$')) return { first: line, more: [] }
    const parts: Text[] = []
    const more: Text[] = []
    let replaced = false
    let done = 0
    for (const found of line.text.matchAll(REFERENCE)) {
      const [whole, braced, parameters = '', bare] = found
      const end = found.index + whole.length
      const use = line.span(found.index, end)
      const value = this.#valueOf(braced ?? bare ?? '', parameters.trim(), use, predefined)
      if (value === undefined) continue
      if (depth >= DEPTH_LIMIT || !this.#spend(value)) return this.#exhaust(line, use)
      if (/^_(HASH|BANG)$/.test(braced ?? bare ?? '')) this.#noteCommentSign(line.text.slice(0, found.index), use)
      const [first, ...others] = value.map((text) => text.usedAt(use))
      if (others.length > 0 && line.text.slice(end).trim() !== '') {
        this.#report('bad-definition', use, 'a definition of several lines must stand last on its line')
      }
      parts.push(line.slice(done, found.index), ...(first === undefined ? [] : [first]))
      more.push(...others)
      replaced = true
      done = end
    }
    if (!replaced) return { first: line, more }
    parts.push(line.slice(done))
    return { first: Text.join(parts), more }
  }

  /** keepalived (2.2.7 to 2.4.3) looks for comments again after it has replaced names, which its manual denies. */
  #noteCommentSign(before: string, use: Span): void {
    const isQuoted = (before.match(/"/g)?.length ?? 0) % 2 === 1
    if (isQuoted || before.trim() === '') return
    const message = 'keepalived begins a comment here, against its manual; this is the character itself'
    this.#report('unclear-definition', use, message, 'in double quotes both read the same')
  }

  /** Said once: what is left of a definition that uses itself would say it again and again. */
  #exhaust(line: Text, use: Span): Expansion {
    if (!this.#exhausted) {
      this.#report('expansion-limit', use, 'this definition uses itself, or expands to far too much')
    }
    this.#exhausted = true
    return { first: line.slice(0, 0), more: [] }
  }

  #spend(value: readonly Text[]): boolean {
    this.#budget -= value.reduce((sum, { length }) => sum + length + 1, 1)
    return this.#budget >= 0 && !this.#exhausted
  }

  #valueOf(name: string, parameters: string, use: Span, predefined: Predefined): readonly Text[] | undefined {
    const value = this.#predefined(name, parameters, use, predefined)
    if (value !== undefined) return [Text.standingFor(value, use)]
    const defined = parameters === '' ? this.#values.get(name) : undefined
    const key = `${use.start} ${use.source.name}`
    if (defined === undefined && !this.#undefined.has(key)) {
      this.#undefined.add(key)
      this.#report('undefined-name', use, `\`$${name}\` is not defined (yet); it is left as it is`)
    }
    return defined
  }

  #predefined(name: string, parameters: string, use: Span, predefined: Predefined): string | undefined {
    switch (name) {
      case '_PWD':
        return predefined.directory
      case '_INSTANCE':
        return predefined.configId
      case '_HASH':
        return '#'
      case '_BANG':
        return '!'
      case '_ENV':
        return predefined.environment(parameters)
      case '_RANDOM': {
        const [low = 0, high = HIGHEST_RANDOM, ...more] = parameters === '' ? [] : parameters.split(/\s+/).map(Number)
        if (Number.isInteger(low) && Number.isInteger(high) && low >= 0 && low <= high && more.length === 0) {
          return String(predefined.random(low, high))
        }
        this.#report('bad-value', use, 'expected `${_RANDOM [MIN [MAX]]}` with whole numbers')
        return '0'
      }
    }
    return undefined
  }
}
