/** Of measured values. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

/** The smallest value that a share of all values does not exceed (nearest rank): always one that was measured. NaN of no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export const spread = (values: readonly number[]): Spread => ({
  min: quantile(values, 0),
  median: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  max: quantile(values, 1),
})
