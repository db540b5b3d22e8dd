/** The lines of a stream, as its pieces come in. */
export class Lines {
  readonly #longest: number
  readonly #onLine: (line: string) => void
  /** Of the line that has not ended, decoded when it has: a character may lie in two pieces. */
  #pieces: Buffer[] = []
  #size = 0

  /** `longest`: in bytes; longer ones are cut, and what follows is a line again. */
  constructor(longest: number, onLine: (line: string) => void) {
    this.#longest = longest
    this.#onLine = onLine
  }

  take(piece: Buffer): void {
    let from = 0
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      this.#add(piece.subarray(from, end))
      this.#flush()
      from = end + 1
    }
    this.#add(piece.subarray(from))
  }

  /** At the end of the stream: a last line need not be ended. */
  end(): void {
    if (this.#size > 0) this.#flush()
  }

  #add(piece: Buffer): void {
    let rest = piece
    while (this.#size + rest.length > this.#longest) {
      const room = this.#longest - this.#size
      this.#push(rest.subarray(0, room))
      this.#flush()
      rest = rest.subarray(room)
    }
    if (rest.length > 0) this.#push(rest)
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#size += piece.length
  }

  #flush(): void {
    const line = Buffer.concat(this.#pieces).toString()
    this.#pieces = []
    this.#size = 0
    this.#onLine(line)
  }
}
