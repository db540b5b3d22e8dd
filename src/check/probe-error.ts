/** The server did not give the right answer. The message says what was wrong, for the log. */
export class ProbeError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ProbeError'
  }
}
