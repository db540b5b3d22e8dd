import { type Millis, millis } from '../../time.ts'

/** The same moment by two clocks, in ms: the one that receive stamps are of, which may step, and `performance.now()`, which never does. */
export interface Moment {
  readonly wall: number
  readonly steady: Millis
}

/** Tells when packets came in, on the scale of `performance.now()`, from the wall clock's stamps. */
export class ArrivalClock {
  readonly #read: () => Moment
  #now: Moment
  /** Steady minus wall clock, as it was at the last look but one: what stamps from before a step are of. */
  #before: number

  constructor(read: () => Moment) {
    this.#read = read
    this.#now = read()
    this.#before = this.#offset
  }

  /** To be called when packets have been taken: their stamps are in the past then. Returns the time. */
  look(): Millis {
    this.#before = this.#offset
    this.#now = this.#read()
    return this.#now.steady
  }

  /** When a packet came in: not before `earliest`, when it was not there, and not after the last look, whatever the wall clock has done. */
  arrivedAt(stampedAt: number | undefined, earliest: Millis): Millis {
    const { steady } = this.#now
    if (stampedAt === undefined) return steady
    const found = [stampedAt + this.#offset, stampedAt + this.#before].find((at) => at >= earliest && at <= steady)
    return found === undefined ? steady : millis(found)
  }

  get #offset(): number {
    return this.#now.steady - this.#now.wall
  }
}
