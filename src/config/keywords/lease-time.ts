import { type Millis, seconds } from '../../time.ts'
import { one, type Syntax } from '../schema/syntax.ts'

/** Half of a lease is left when it is renewed: less than this is shorter than it takes to replace a vrrp process that hangs. */
const SHORTEST = 4
const LONGEST = 3600

/** Whole seconds, as the kernel counts lifetimes; 0 for good. */
export const leaseTime: Syntax<Millis> = one({
  text: `0|<${SHORTEST}-${LONGEST} seconds>`,
  expected: `0, or ${SHORTEST} to ${LONGEST} seconds`,
  read(text) {
    if (!/^\d{1,4}$/.test(text)) return undefined
    const value = Number(text)
    return value === 0 || (value >= SHORTEST && value <= LONGEST) ? seconds(value) : undefined
  },
  print: (value) => String(value / 1000),
})
