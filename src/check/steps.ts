import type { Asked, Step } from '../model/asked.ts'
import { type Millis, millis } from '../time.ts'
import type { Answer } from './health.ts'

/** Takes down what a probe does or sees, for who watches it. Undefined where nobody does, so that texts are not even made. */
export type Note = ((what: string) => void) | undefined

/** BOUNDED: what is taken down of one probe, and characters of each. */
export const MOST_STEPS = 128
export const LONGEST_STEP = 512

/** Asks once, and takes down what happens meanwhile. */
export async function watched(ask: (note: NonNullable<Note>) => Promise<Answer>): Promise<Asked> {
  const begun = performance.now()
  const steps: Step[] = []
  const elapsed = (): Millis => millis(performance.now() - begun)
  const answer = await ask((what) => {
    if (steps.length < MOST_STEPS) steps.push({ what: what.slice(0, LONGEST_STEP), after: elapsed() })
  })
  const { weight, warning } = answer.up === undefined ? {} : answer
  return {
    up: answer.up,
    reason: answer.reason,
    ...(weight === undefined ? {} : { weight }),
    ...(warning === undefined ? {} : { warning }),
    duration: elapsed(),
    // A probe that has given its answer may still hear something.
    steps: [...steps],
  }
}
