import { Chance } from '../../src/simulate/chance.ts'
import { drawFaults } from '../../src/simulate/draw-faults.ts'
import { FAULT_KINDS, type FaultKind } from '../../src/simulate/fault.ts'
import { drawFiles, siteOfFiles } from './draw-site.ts'
import type { Scenario } from './scenario.ts'

/** How long a seed lasts, and how often something goes wrong, in ms. */
export const SEED_LASTS = 3_600_000
const FAULT_EVERY = 120_000

/** All that a seed comes to: directors of its own, and an hour of faults. */
export function scenarioOfSeed(seed: number): Scenario {
  const chance = new Chance(seed)
  const directors = drawFiles(chance)
  const kinds = Object.keys(FAULT_KINDS) as FaultKind[]
  const faults = drawFaults(siteOfFiles(directors), { kinds, every: FAULT_EVERY, end: SEED_LASTS }, chance)
  return { about: `seed ${seed}`, seed, directors, faults, end: SEED_LASTS }
}
