import type { IcmpLimits } from '../../../linux/icmp-limits.ts'
import { struct, viewOf } from './struct.ts'

/** How many ICMP errors the program makes: see `bpf/error-rate.h`. */
export const ERROR_RATE = struct('error_rate', 40, {
  each_ns: [0, 8],
  each6_ns: [8, 8],
  common_ns: [16, 8],
  burst: [24, 4],
  types: [28, 4],
  types6: [32, 4],
})

/** How the kernel divides IPv6's `ratelimit` for a destination on a route of 64 bits; the core does not know its routes' lengths. */
const ON_LINK_6 = 4
/** For a common limit of none a second: longer than any director runs. */
const NEVER_NS = 2n ** 52n

/** The kernel's limits as the program reads them. */
export function encodeErrorRate(limits: IcmpLimits): Uint8Array {
  const { at } = ERROR_RATE
  const bytes = new Uint8Array(ERROR_RATE.bytes)
  const view = viewOf(bytes)
  const commonNs = limits.msgsPerSecond > 0 ? 1_000_000_000n / BigInt(limits.msgsPerSecond) : NEVER_NS
  view.setBigUint64(at.each_ns, BigInt(limits.ratelimit) * 1_000_000n, true)
  view.setBigUint64(at.each6_ns, (BigInt(limits.ratelimit6) * 1_000_000n) / BigInt(ON_LINK_6), true)
  view.setBigUint64(at.common_ns, commonNs, true)
  view.setUint32(at.burst, Math.min(limits.msgsBurst, 0xffff), true)
  view.setUint32(at.types, limits.ratemask, true)
  view.setUint32(at.types6, limits.ratemask6, true)
  return bytes
}
