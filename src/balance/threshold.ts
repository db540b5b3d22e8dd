import type { Thresholds } from '../model/service.ts'

/**
 * IPVS's rule for a server that has `total` connections: whether it is above its thresholds. Undefined between the two, where
 * it stays what it was; also when they are written anew (as Linux 6.1.192 does it).
 */
export function isOverThresholds(total: number, { upper, lower }: Thresholds): boolean | undefined {
  if (upper > 0 && total >= upper) return true
  const isBelow = lower > 0 ? total < lower : upper === 0 || total * 4 < upper * 3
  return isBelow ? false : undefined
}
