import type { WeightAsked } from '../model/check.ts'
import type { FileCheck } from '../model/checker.ts'

/** What a number that is tracked says of a real server. */
export interface Tracked {
  readonly up: boolean
  readonly weight?: WeightAsked
}

/** What a file adds to a weight; keepalived's limits. The lowest one is a failure. */
const LOWEST = -(2 ** 31)
const HIGHEST = 2 ** 31 - 1

/** As for instances: with a factor the number is added to the weight, without one any number but 0 is a failure. */
export function serverByNumber({ weight, reverse }: Pick<FileCheck, 'weight' | 'reverse'>, number: number): Tracked {
  if (weight === 0) return { up: (number === 0) !== reverse }
  const added = number * weight * (reverse ? -1 : 1)
  if (added <= LOWEST) return { up: false }
  return { up: true, weight: { type: 'add', value: Math.min(HIGHEST, added) } }
}
