/** Bytes of a message between director and script process. */
export const LONGEST_LINE = 16 * 1024 * 1024

/** Cuts bytes into lines. Throws when a line becomes longer than `longest` bytes: then nothing more can be read. */
export class LineReader {
  readonly #longest: number
  /** The line that has not come to its end. BOUNDED by `longest`. */
  #pieces: Buffer[] = []
  #length = 0

  constructor(longest: number) {
    this.#longest = longest
  }

  /** The lines that end in these bytes. */
  *add(bytes: Buffer): Generator<string> {
    let from = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      this.#keep(bytes.subarray(from, end))
      from = end + 1
      const line = Buffer.concat(this.#pieces).toString('utf8')
      this.#pieces = []
      this.#length = 0
      yield line
    }
    this.#keep(bytes.subarray(from))
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.#longest) throw new Error(`a line is longer than ${this.#longest} bytes`)
    if (piece.length > 0) this.#pieces.push(piece)
  }
}
