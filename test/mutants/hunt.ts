import { play } from '../simulation/scenario.ts'
import { scenarioOfSeed } from '../simulation/seed.ts'

/** Prints the first rule that a seed violates, or nothing: `node hunt.ts SEEDS`. An engine that throws is found out, too. */
const [, , seeds = '40'] = process.argv
for (let seed = 1; seed <= Number(seeds); seed++) {
  const rule = ruleOf(seed)
  if (rule === undefined) continue
  console.log(`${rule} (seed ${seed})`)
  break
}

function ruleOf(seed: number): string | undefined {
  try {
    return play(scenarioOfSeed(seed)).violations[0]?.rule
  } catch (error) {
    return error instanceof Error ? error.message : 'thrown'
  }
}
