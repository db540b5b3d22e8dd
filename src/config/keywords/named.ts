import { invalid, type Syntax } from '../schema/syntax.ts'
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

/** The name of a block, which is one word: keepalived takes no block of a longer one. */
export const blockName: Syntax<string> = {
  ...word('<name>'),
  parse(words) {
    const name = word('<name>').parse(words)
    const extra = words.peek()
    if (name === invalid || extra === undefined) return name
    words.report('bad-value', extra.at, 'a name is one word', 'put it into double quotes if it has blanks')
    while (words.peek() !== undefined) words.take()
    return name
  },
}
