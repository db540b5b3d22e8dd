/**
 * Longest sequence that is laid out. Weights that would need more are scaled down to fit, to at least 1, so that the
 * shares stay as near as the length allows.
 */
export const LONGEST_SEQUENCE = 65_535

/** Servers in the order in which they are picked, walked round and round. */
export interface Sequence {
  /** Positions in the list. */
  readonly entries: readonly number[]
  /** IPVS's current weight at each entry. */
  readonly levels: readonly number[]
  /** The entry that a new service begins with. */
  readonly start: number
}

/**
 * One period of IPVS's weighted round robin, from the greatest current weight down. It is interleaved by level, not
 * smooth: the heavy servers come first, then everybody. `weights` are in list order (last added first).
 */
export function wrrSequence(weights: readonly number[]): Sequence {
  const scaled = scaleDown(weights)
  const { divisor, top } = limitsOf(scaled)
  const entries: number[] = []
  const levels: number[] = []
  for (let level = top; level > 0; level -= divisor) {
    scaled.forEach((weight, position) => {
      if (weight < level) return
      entries.push(position)
      levels.push(level)
    })
  }
  // IPVS keeps its current weight while servers are added one by one, the last of the list first.
  let [current, limits] = [0, limitsOf([])]
  for (const weight of scaled.toReversed()) {
    limits = withWeight(limits, weight)
    current = levelWithin(current, limits)
  }
  return { entries, levels, start: Math.max(0, levels.indexOf(current)) }
}

interface Limits {
  readonly divisor: number
  readonly top: number
  readonly highest: number
}

/** IPVS's current weight after a server was added, removed or changed. */
export function changedLevel(current: number, weights: readonly number[]): number {
  return levelWithin(current, limitsOf(weights))
}

function levelWithin(current: number, { divisor, top }: Limits): number {
  if (current > top || current === 0) return top
  return divisor > 1 ? Math.floor(current / divisor) * divisor + 1 : current
}

/** Greatest common divisor of the positive weights, and the greatest current weight. */
export const limitsOf = (weights: readonly number[]): Limits =>
  weights.reduce(withWeight, { divisor: 1, top: 0, highest: 0 })

/** The limits with one server more. */
function withWeight(limits: Limits, weight: number): Limits {
  if (weight <= 0) return limits
  const { divisor, highest } = limits
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  const both = highest === 0 ? weight : gcd(divisor, weight)
  const most = Math.max(highest, weight)
  return { divisor: both, highest: most, top: most - (both - 1) }
}

function scaleDown(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total / limitsOf(weights).divisor <= LONGEST_SEQUENCE) return weights
  const room = LONGEST_SEQUENCE - weights.length
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor((weight * room) / total))))
}
