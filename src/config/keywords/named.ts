import type { Syntax } from '../schema/syntax.ts'
import { word } from '../schema/values.ts'

/** A name in a list; an object of its own, so that its place can be told. */
export interface Named {
  readonly name: string
}

export function named(text: string): Syntax<Named> {
  const inner = word(text)
  return {
    text,
    parse(words) {
      const name = inner.parse(words)
      return typeof name === 'string' ? { name } : name
    },
    print: ({ name }) => inner.print(name),
  }
}
