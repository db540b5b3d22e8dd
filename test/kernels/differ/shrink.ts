import type { Case, Recipe } from './cases.ts'

/** Every case that lacks one packet or one oddity of this one; the packets first. */
function* smaller(one: Case): Generator<Case> {
  const { recipes } = one
  if (recipes.length > 1) {
    for (const i of recipes.keys()) yield { ...one, recipes: recipes.toSpliced(i, 1) }
  }
  for (const [i, recipe] of recipes.entries()) {
    for (const j of recipe.twists.keys()) {
      const plainer: Recipe = { ...recipe, twists: recipe.twists.toSpliced(j, 1) }
      yield { ...one, recipes: recipes.with(i, plainer) }
    }
  }
}

/** The smallest case that still fails when anything is left out, with at most `tries` questions. */
export async function shrunk(one: Case, tries: number, fails: (one: Case) => Promise<boolean>): Promise<Case> {
  let [smallest, left] = [one, tries]
  for (let changed = true; changed;) {
    changed = false
    for (const candidate of smaller(smallest)) {
      if (left-- <= 0) return smallest
      if (!(await fails(candidate))) continue
      smallest = candidate
      changed = true
      break
    }
  }
  return smallest
}
