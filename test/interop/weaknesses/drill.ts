import type { Product } from './scene.ts'

/** What a drill has come to. */
export interface Outcome {
  /** In the unit of the drill: ms, or a number of take-overs. */
  readonly value: number
  /** The same for people. */
  readonly text: string
}

/** Something that breaks keepalived, done to a pair of one product. */
export interface Drill {
  /** A line of the table. */
  readonly weakness: string
  /** Of Tanist, as the table says it. */
  readonly promised: string
  /** The same as a number, with what a busy machine takes; it may hang on what keepalived has come to. */
  readonly limit: (keepalived: Outcome) => number
  readonly run: (product: Product) => Promise<Outcome>
}

export const milliseconds = (value: number): Outcome => ({ value, text: `${Math.round(value)} ms` })
