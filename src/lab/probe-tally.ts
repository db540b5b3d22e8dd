import type { ProbeRecord } from '../drill/recording.ts'
import { type Millis, millis } from '../time.ts'

export const PERIOD: Millis = millis(1)
/** What has not been answered by then is lost. Shorter than a server's second SYN/ACK takes. */
export const PATIENCE: Millis = millis(500)
/** A sender that is late by so much says so. */
export const LATE: Millis = millis(5)
/** BOUNDED: those that are not judged yet; one that falls out is lost. A power of two. */
const UNDER_WAY = 2 ** 13
/** BOUNDED: more are cut. */
const MOST_GAPS = 100_000

/** Counts what a probe has sent and got: its numbers are judged in their order, each when its answer or its time has come. */
export class ProbeTally {
  readonly #sentAt = new Float64Array(UNDER_WAY)
  readonly #answered = new Uint8Array(UNDER_WAY)
  #sent = 0
  #judged = 0
  #from: Millis | undefined
  /** When the last answered one was sent, or else the first of all. */
  #answeredAt: Millis = millis(0)
  /** Since then. */
  #lost = 0
  #judgedAt: Millis = millis(0)
  #isCut = false
  readonly #gaps: { readonly at: Millis; readonly ms: number; readonly lost: number }[] = []
  readonly #late: { readonly at: Millis; readonly ms: number }[] = []

  /** How many were sent, and the next one's number. */
  get sent(): number {
    return this.#sent
  }

  get judged(): number {
    return this.#judged
  }

  /** The next one is sent. */
  send(at: Millis): void {
    if (this.#sent - this.#judged >= UNDER_WAY) this.#judgeOne()
    const slot = this.#sent % UNDER_WAY
    this.#sentAt[slot] = at
    this.#answered[slot] = 0
    if (this.#from === undefined) this.#from = this.#answeredAt = at
    this.#sent++
  }

  /** `waited`: since it was looked for answers the last time; it may have lain there for so long. */
  answer(number: number, at: Millis, waited: Millis): void {
    if (number < this.#judged || number >= this.#sent) return
    const slot = number % UNDER_WAY
    if (at - waited - (this.#sentAt[slot] ?? 0) <= PATIENCE) this.#answered[slot] = 1
  }

  /** The sender was to send at `due`, and came later. */
  late(due: Millis, ms: number): void {
    if (this.#late.length < MOST_GAPS) this.#late.push({ at: due, ms })
  }

  /** `waited`: as for `answer`. */
  judge(now: Millis, waited: Millis): void {
    while (this.#judged < this.#sent) {
      const slot = this.#judged % UNDER_WAY
      if (this.#answered[slot] !== 1 && now - waited - (this.#sentAt[slot] ?? 0) <= PATIENCE) return
      this.#judgeOne()
    }
  }

  #judgeOne(): void {
    const slot = this.#judged % UNDER_WAY
    const at = millis(this.#sentAt[slot] ?? 0)
    this.#judged++
    this.#judgedAt = at
    if (this.#answered[slot] !== 1) {
      this.#lost++
      return
    }
    if (this.#lost > 0) {
      if (this.#gaps.length < MOST_GAPS) this.#gaps.push(this.#gapUntil(at))
      else this.#isCut = true
    }
    this.#lost = 0
    this.#answeredAt = at
  }

  #gapUntil(at: Millis) {
    return { at: this.#answeredAt, ms: Math.max(0, at - this.#answeredAt - PERIOD), lost: this.#lost }
  }

  /** Of what is judged by now; a gap that goes on ends with the last one. */
  record(by: ProbeRecord['by'], target: string): ProbeRecord {
    return {
      type: 'probe',
      by,
      target,
      periodMs: PERIOD,
      sent: this.#judged,
      from: this.#from ?? millis(0),
      to: this.#judgedAt,
      gaps: this.#lost === 0 ? this.#gaps : [...this.#gaps, this.#gapUntil(this.#judgedAt)],
      isCut: this.#isCut,
      late: this.#late,
    }
  }
}
