import type { PairSource } from './drill.ts'

/** A configuration of a pair, and where it is from, for messages. */
export interface PairText {
  readonly name: string
  readonly text: string
}

/** The configurations of both directors, with all that the drill changes in them. `read` gives a file's text by its path in the drill. */
export function pairTexts(
  { from, priorities, changes }: PairSource,
  read: (path: string) => string,
): readonly [PairText, PairText] {
  const [first, second = first] =
    'text' in from ? [{ name: 'text', text: from.text }] : from.files.map((name) => ({ name, text: read(name) }))
  const changed = (one: PairText | undefined, priority: number | undefined): PairText => {
    const { name, text } = one ?? { name: '', text: '' }
    const replaced = changes.reduce((all, { replace, by }) => all.replace(new RegExp(replace, 'g'), by), text)
    return { name, text: priority === undefined ? replaced : withPriority(replaced, priority) }
  }
  return [changed(first, priorities?.[0]), changed(second, priorities?.[1])]
}

/** Every `priority` of an instance, as the file has it: at the beginning of a line. */
const withPriority = (text: string, priority: number) =>
  text.replaceAll(/^([ \t]*priority[ \t]+)\d+/gm, `$1${priority}`)
