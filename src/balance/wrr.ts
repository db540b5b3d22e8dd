/**
 * Longest sequence that is laid out. Weights that would need more are scaled down to fit, to at least 1, so that the
 * shares stay as near as the length allows.
 */
export const LONGEST_SEQUENCE = 65_535

/**
 * One period of IPVS's weighted round robin. It is interleaved by level, not smooth: the heavy servers come first, then
 * everybody. `weights` are in list order (last added first), as the result's positions are.
 *
 * IPVS keeps a current weight across the adding of servers, so where the period begins depends on the order in which they
 * came; they are added here one by one as `ipvsadm -a` does.
 */
export function wrrSequence(weights: readonly number[]): number[] {
  const scaled = scaleDown(weights)
  const start = currentWeightAfterAdding(scaled)
  const divisor = gcdOf(scaled)
  const highest = Math.max(0, ...scaled)
  if (highest === 0) return []
  const top = highest - (divisor - 1)
  const period = scaled.reduce((sum, weight) => sum + weight / divisor, 0)
  const sequence: number[] = []
  for (let level = start; sequence.length < period; level = level - divisor > 0 ? level - divisor : top) {
    scaled.forEach((weight, position) => {
      if (weight >= level && weight > 0 && sequence.length < period) sequence.push(position)
    })
  }
  return sequence
}

/** IPVS's current weight once every server has been added, the last of the list first. */
function currentWeightAfterAdding(weights: readonly number[]): number {
  let current = 0
  const added: number[] = []
  for (const weight of weights.toReversed()) {
    added.push(weight)
    const divisor = gcdOf(added)
    const top = Math.max(0, ...added) - (divisor - 1)
    if (current > top || current === 0) current = Math.max(0, top)
    else if (divisor > 1) current = Math.floor(current / divisor) * divisor + 1
  }
  return Math.max(1, current)
}

/** Greatest common divisor of the positive weights; 1 when there is none. */
function gcdOf(weights: readonly number[]): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  return weights.filter((weight) => weight > 0).reduce(gcd, 0) || 1
}

function scaleDown(weights: readonly number[]): readonly number[] {
  const length = weights.reduce((sum, weight) => sum + weight, 0) / gcdOf(weights)
  if (length <= LONGEST_SEQUENCE) return weights
  const room = LONGEST_SEQUENCE - weights.length
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor((weight * room) / total))))
}
