import { Chance } from './chance.ts'
import { drawFaults } from './draw-faults.ts'
import type { FaultKind } from './fault.ts'
import { type DirectorSetup, siteOf } from './setup.ts'
import { type Outcome, World } from './world.ts'

/** What to do to directors, and for how long. */
export interface Ordeal {
  readonly seed: number
  readonly hours: number
  readonly kinds: readonly FaultKind[]
  /** Faults in an hour, on average. */
  readonly faultsPerHour: number
}

const HOUR = 3_600_000

/** Runs these directors through faults that a seed draws: always the same for the same files and seed. */
export function simulate(directors: readonly DirectorSetup[], { seed, hours, kinds, faultsPerHour }: Ordeal): Outcome {
  const site = siteOf(directors)
  const end = hours * HOUR
  const faults = drawFaults(site, { kinds, every: HOUR / faultsPerHour, end }, new Chance(seed))
  return new World({ site, seed, faults, end, skipsCalm: true, tells: true }).run(false)
}
