import type { IcmpLimits } from '../../linux/icmp-limits.ts'
import { viewOf } from './layout.ts'

/** `struct error_rate` of `bpf/error-rate.h`, in bytes. */
const BYTES = 40
/** How the kernel divides IPv6's `ratelimit` for a destination on a route of 64 bits; the core does not know its routes' lengths. */
const ON_LINK_6 = 4
/** For a common limit of none a second: longer than any director runs. */
const NEVER_NS = 2n ** 52n

/** The kernel's limits as the program reads them. */
export function encodeErrorRate(limits: IcmpLimits): Uint8Array {
  const bytes = new Uint8Array(BYTES)
  const view = viewOf(bytes)
  view.setBigUint64(0, BigInt(limits.ratelimit) * 1_000_000n, true)
  view.setBigUint64(8, (BigInt(limits.ratelimit6) * 1_000_000n) / BigInt(ON_LINK_6), true)
  view.setBigUint64(16, limits.msgsPerSecond > 0 ? 1_000_000_000n / BigInt(limits.msgsPerSecond) : NEVER_NS, true)
  view.setUint32(24, Math.min(limits.msgsBurst, 0xffff), true)
  view.setUint32(28, limits.ratemask, true)
  view.setUint32(32, limits.ratemask6, true)
  return bytes
}
