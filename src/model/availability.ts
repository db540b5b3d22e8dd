import type { Millis } from '../time.ts'

/** What was seen of a real server, or of a service, within a stretch of time. What is left of that stretch nobody knows. */
export interface Seen {
  readonly up: Millis
  readonly down: Millis
  /** Times that it was down, those that began before the stretch included. */
  readonly failures: number
}
