import { HIDDEN } from '../secrecy.ts'
import { invalid, type Syntax } from './syntax.ts'
import { word } from './values.ts'

/** A word that must reach no log, dump or page: it prints as asterisks, as text and as JSON. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }
}

export function secret(text: string): Syntax<Secret> {
  const inner = word(text)
  return {
    text,
    parse(words) {
      const value = inner.parse(words)
      return value === invalid ? invalid : new Secret(value)
    },
    print: () => HIDDEN,
  }
}
