import type { Place } from '../place.ts'

/** What a pipe holds is full of blanks afterwards, in lines of a page each, so that the next line that is written has no room. */
const FILL = `kill -STOP "$1" || exit
yes "$(printf '%4095s' '')" | dd bs=4096 iflag=fullblock of="$2" oflag=nonblock conv=notrunc,nocreat 2>/dev/null
true`

/** The way of a log to its file through a named pipe and a reader, as to a log service that may hang. */
export class LogPipe {
  readonly #place: Place
  readonly #log: string
  readonly #path: string
  #reader: number | undefined

  constructor(place: Place, log: string) {
    this.#place = place
    this.#log = log
    this.#path = `${log}.pipe`
  }

  /** Makes it, if it is not there yet, and gives its path. */
  async open(): Promise<string> {
    if (this.#reader !== undefined) return this.#path
    const { status, stderr } = await this.#place.run(['mkfifo', '-m', '600', this.#path])
    if (status !== 0) throw new Error(stderr.trim())
    // It has the other end open, too: so it does not end with a daemon, but with the place. Blanks are no line of a log.
    const read = ['sh', '-c', `exec grep --line-buffered -av '^ *$' <>"$1"`, 'sh', this.#path]
    this.#reader = await this.#place.start(read, { log: this.#log })
    return this.#path
  }

  /** Commands that stop the reader and fill the pipe, and that let it go on. */
  get blocking(): { readonly act: readonly string[]; readonly undo: readonly string[] } {
    const reader = String(this.#reader)
    return { act: ['sh', '-c', FILL, 'sh', reader, this.#path], undo: ['kill', '-CONT', reader] }
  }
}
