import { stripVTControlCharacters } from 'node:util'

/** Longest line that is kept, in characters, and what may become of one in UTF-8 and escape sequences. */
const CHARACTERS = 200
const BYTES = 4 * CHARACTERS

/** The first line of an output that is not blank; everything after it is let go. */
export class FirstLine {
  #kept = Buffer.alloc(0)
  #complete = false

  get isComplete(): boolean {
    return this.#complete
  }

  add(chunk: Uint8Array): void {
    if (this.#complete) return
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(0, BYTES)])
    // Nothing but blanks so far is no line.
    const start = this.#kept.findIndex((byte) => byte > 0x20)
    this.#kept = start < 0 ? Buffer.alloc(0) : this.#kept.subarray(start)
    const end = this.#kept.indexOf(0x0a)
    this.#complete = end >= 0 || this.#kept.length >= BYTES
    if (end >= 0) this.#kept = this.#kept.subarray(0, end)
  }

  /** For people and logs: without control characters, cut. */
  toString(): string {
    const printable = stripVTControlCharacters(this.#kept.toString('utf8'))
      .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
      .trim()
    const characters = Array.from(printable)
    return characters.length <= CHARACTERS ? printable : `${characters.slice(0, CHARACTERS - 1).join('')}…`
  }
}
