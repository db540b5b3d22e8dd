/** A command of a save file: its words, and the characters of the file that each of them is. */
export interface SavedLine {
  readonly args: readonly string[]
  readonly spans: readonly { readonly start: number; readonly end: number }[]
}

/**
 * The commands of a save file, as `ipvsadm -R` takes lines apart: at blanks, nothing is quoted, and the program's own name may stand
 * in front. Lines without a word are passed over.
 */
export function* savedLines(text: string): Generator<SavedLine> {
  let lineStart = 0
  for (const line of text.split('\n')) {
    const words = [...line.matchAll(/\S+/g)]
    if (words[0]?.[0] === 'ipvsadm') words.shift()
    const base = lineStart
    lineStart += line.length + 1
    if (words.length === 0) continue
    yield {
      args: words.map(([word]) => word),
      spans: words.map(({ 0: word, index }) => ({ start: base + index, end: base + index + word.length })),
    }
  }
}
