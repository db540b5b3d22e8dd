/** The plan needs more than the core has room for. */
export class CoreFullError extends Error {
  constructor(what: string, limit: number) {
    super(`the forwarding core holds at most ${limit} ${what}`)
    this.name = 'CoreFullError'
  }
}
