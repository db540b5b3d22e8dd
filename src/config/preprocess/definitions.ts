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
const REFERENCE = /\$\{([A-Za-z_]\w*)((?:[ \t]+[^\s}$]+)*)[ \t]*\}|\$([A-Za-z_]\w*)(?=[ \t,)]|$)/

const HIGHEST_RANDOM = 32767

/** `$NAME=VALUE`, as far as the file has been read. A name that is not defined stays as it is, with a warning. */
export class Definitions {
  readonly #values = new Map<string, readonly Text[]>()
  readonly #report: Report
  #budget = EXPANSION_LIMIT

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

  /** The line with every reference replaced by its definition; more than one line where a definition has several. */
  expand(line: Text, predefined: Predefined): readonly Text[] {
    return line.text.includes('$') ? this.#expand(line, predefined, 0) : [line]
  }

  #expand(line: Text, predefined: Predefined, depth: number): readonly Text[] {
    const done: Text[] = []
    const parts: Text[] = []
    let rest = line
    for (let found = REFERENCE.exec(rest.text); found !== null; found = REFERENCE.exec(rest.text)) {
      const [whole, braced, parameters = '', bare] = found
      const use = rest.span(found.index, found.index + whole.length)
      const value = this.#valueOf(braced ?? bare ?? '', parameters.trim(), use, predefined)
      parts.push(rest.slice(0, found.index))
      const after = rest.slice(found.index + whole.length)
      if (value === undefined) {
        parts.push(rest.slice(found.index, found.index + whole.length))
      } else if (depth === DEPTH_LIMIT || !this.#spend(value)) {
        this.#report('expansion-limit', use, 'this definition uses itself, or expands to far too much')
        return []
      } else {
        if (value.length > 1 && after.text.trim() !== '') {
          this.#report('bad-definition', use, 'a definition of several lines must stand last on its line')
        }
        const inner = value.flatMap((text) => this.#expand(text.usedAt(use), predefined, depth + 1))
        for (const [index, text] of inner.entries()) {
          parts.push(text)
          if (index < inner.length - 1) done.push(Text.join(parts.splice(0)))
        }
      }
      rest = after
    }
    parts.push(rest)
    done.push(Text.join(parts))
    return done
  }

  #spend(value: readonly Text[]): boolean {
    this.#budget -= value.reduce((sum, { length }) => sum + length + 1, 0)
    return this.#budget >= 0
  }

  #valueOf(name: string, parameters: string, use: Span, predefined: Predefined): readonly Text[] | undefined {
    const value = this.#predefined(name, parameters, use, predefined)
    if (value !== undefined) return [Text.standingFor(value, use)]
    const defined = parameters === '' ? this.#values.get(name) : undefined
    if (defined === undefined) {
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
