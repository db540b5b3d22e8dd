import { readFileSync } from 'node:fs'

/** How many ICMP errors the kernel of this network namespace makes, by its sysctls of these names. */
export interface IcmpLimits {
  /** Least time between two errors to one destination, in milliseconds; 0: no limit. */
  readonly ratelimit: number
  /** Types that are limited, as bits. */
  readonly ratemask: number
  /** `net.ipv6.icmp.ratelimit`, in milliseconds. */
  readonly ratelimit6: number
  /** `net.ipv6.icmp.ratemask`: the types below 32, as bits. */
  readonly ratemask6: number
  /** Errors a second to all destinations together, and how many at once. */
  readonly msgsPerSecond: number
  readonly msgsBurst: number
}

/** The kernel's defaults, from Documentation/networking/ip-sysctl.rst. */
const DEFAULTS: IcmpLimits = {
  ratelimit: 1000,
  ratemask: 0x1818,
  ratelimit6: 1000,
  ratemask6: 0xffff_fffb,
  msgsPerSecond: 1000,
  msgsBurst: 50,
}

/**
 * Reads the sysctls. What cannot be read has its default: without IPv6 there is none of its own, and with older kernels only
 * the first network namespace has the common limit.
 */
export function readIcmpLimits(read: (name: string) => string = readSysctl): IcmpLimits {
  const value = (name: string, otherwise: number, parse: (text: string) => number = Number) => {
    try {
      return parse(read(name).trim())
    } catch {
      return otherwise
    }
  }
  return {
    ratelimit: value('ipv4/icmp_ratelimit', DEFAULTS.ratelimit),
    ratemask: value('ipv4/icmp_ratemask', DEFAULTS.ratemask),
    ratelimit6: value('ipv6/icmp/ratelimit', DEFAULTS.ratelimit6),
    ratemask6: value('ipv6/icmp/ratemask', DEFAULTS.ratemask6, bitsOf),
    msgsPerSecond: value('ipv4/icmp_msgs_per_sec', DEFAULTS.msgsPerSecond),
    msgsBurst: value('ipv4/icmp_msgs_burst', DEFAULTS.msgsBurst),
  }
}

const readSysctl = (name: string) => readFileSync(`/proc/sys/net/${name}`, 'utf8')

/** A list of ranges such as `0-1,3-127`, as bits. */
function bitsOf(list: string): number {
  let bits = 0
  for (const range of list.split(',').filter((each) => each !== '')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    for (let bit = first; bit <= Math.min(last, 31); bit++) bits |= 1 << bit
  }
  return bits >>> 0
}
