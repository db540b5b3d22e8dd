import type { BfdSession } from '../../model/bfd.ts'
import { millis, seconds } from '../../time.ts'
import type { Settings } from '../keywords/root.ts'

type BfdSettings = Settings['bfd_instance'][number]

/** RFC 5881 §5 wants the first one of packets on one link; the other one is what hosts send usually. */
const LARGEST_TTL = 255
const USUAL_TTL = 64

/** All of them, whether somebody here tracks them or not: the neighbour may. */
export function bfdSessionsOf({ bfd_instance: blocks }: Settings): readonly BfdSession[] {
  return blocks.flatMap((block): BfdSession[] => {
    const { neighbor_ip: neighbour } = block
    if (neighbour === undefined) return []
    const ttl = ttlOf(block)
    return [
      {
        name: block.id,
        neighbour,
        source: block.source_ip,
        multihop: block.multihop === true,
        ttl,
        leastTtl: hopsAreCounted(block) ? Math.max(0, ttl - (block.max_hops ?? 0)) : 0,
        minTx: block.min_tx ?? millis(10),
        minRx: block.min_rx ?? millis(10),
        idleTx: block.idle_tx ?? seconds(1),
        multiplier: block.multiplier,
        passive: block.passive,
        forVrrp: isForVrrp(block),
        enabled: true,
      },
    ]
  })
}

/** Each of `vrrp` and `checker` keeps a session from the other one, unless both are said. */
export const isForVrrp = ({ vrrp, checker }: BfdSettings): boolean => vrrp || !checker
export const isForCheckers = ({ vrrp, checker }: BfdSettings): boolean => checker || !vrrp

export const ttlOf = ({ ttl, multihop }: BfdSettings): number => ttl ?? (multihop === true ? USUAL_TTL : LARGEST_TTL)

/** As in keepalived, -1 and 255 say that they are not; over routers nor are they without a number. */
const hopsAreCounted = ({ max_hops: most, multihop }: BfdSettings): boolean =>
  most === undefined ? multihop !== true : most >= 0 && most < LARGEST_TTL
