import { checksum } from '../../../src/net/checksum.ts'
import type { Case, Step } from './cases.ts'
import type { Comparison } from './comparison.ts'
import type { Difference } from './difference.ts'
import { DIFFERENCES } from './differences.ts'
import { ETHERNET } from './packet.ts'
import { hasFragments, reassembled } from './reassembly.ts'
import type { Seen } from './wired-twin.ts'
import { type Service, type Side } from './world.ts'

/** `unlike`: neither the same nor listed. */
export type Verdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'listed'; readonly by: readonly Difference[] }
  | { readonly kind: 'after a listed one' }
  | { readonly kind: 'unlike'; readonly left: Comparison }

const SIDES: readonly Side[] = ['client', 'server']
const IPV4 = 0x0800
const TUNNELS = new Set([4, 41])

/** One for each step; what follows the first one that is unlike is not judged. */
export function verdicts(one: Case, steps: readonly Step[], ipvs: readonly Seen[], tanist: readonly Seen[]): Verdict[] {
  const found: Verdict[] = []
  for (const [i, step] of steps.entries()) {
    const verdict = judge(comparison(one.service, steps.slice(0, i), step, seenAt(ipvs, i), seenAt(tanist, i)))
    found.push(verdict)
    if (verdict.kind === 'unlike') break
    // From here on one knows of a connection and the other does not, for example.
    if (verdict.kind === 'listed' && verdict.by.some(({ parts }) => parts)) {
      found.push(...steps.slice(i + 1).map(() => ({ kind: 'after a listed one' }) as const))
      break
    }
  }
  return found
}

const seenAt = (all: readonly Seen[], index: number): Seen => all[index] ?? { client: [], server: [] }

function comparison(service: Service, before: readonly Step[], step: Step, ipvs: Seen, tanist: Seen): Comparison {
  const ids = new Set(step.frames.flatMap((frame) => identification(Buffer.from(frame)) ?? []))
  const [left, right] = [ipvs, tanist].map((seen) => settled(step, seen, ids)) as [Settled, Settled]
  return {
    service,
    before,
    step,
    ipvs: left.seen,
    tanist: right.seen,
    incomplete: { ipvs: left.incomplete, tanist: right.incomplete },
  }
}

interface Settled {
  readonly seen: Seen
  readonly incomplete: number
}

function settled(step: Step, seen: Seen, ids: ReadonlySet<number>): Settled {
  const isFragmented = hasFragments(step.frames)
  let incomplete = 0
  const settle = (frames: readonly Buffer[]) => {
    const plain = frames.map((frame) => withoutOwnId(frame, ids))
    if (!isFragmented) return plain
    const all = reassembled(plain)
    incomplete += all.incomplete
    return all.whole
  }
  return { seen: { client: settle(seen.client), server: settle(seen.server) }, incomplete }
}

function identification(frame: Buffer): number | undefined {
  const at = frame.readUInt16BE(12) === 0x8100 ? ETHERNET + 4 : ETHERNET
  return frame.length >= at + 6 && (frame[at] ?? 0) >> 4 === 4 ? frame.readUInt16BE(at + 4) : undefined
}

/**
 * A director draws the identification of packets that it makes itself, headers of tunnels among them. The checksum then says only
 * whether it was right.
 */
function withoutOwnId(frame: Buffer, ids: ReadonlySet<number>): Buffer {
  if (frame.length < ETHERNET + 20 || frame.readUInt16BE(12) !== IPV4) return frame
  const isKept = ids.has(frame.readUInt16BE(ETHERNET + 4)) && !TUNNELS.has(frame[ETHERNET + 9] ?? 0)
  if (isKept) return frame
  const header = frame.subarray(ETHERNET, ETHERNET + ((frame[ETHERNET] ?? 0) & 15) * 4)
  const copy = Buffer.from(frame)
  copy.writeUInt16BE(0, ETHERNET + 4)
  copy.writeUInt16BE(checksum(header) === 0 ? 0 : 0xbad, ETHERNET + 10)
  return copy
}

function judge(comparison: Comparison): Verdict {
  const by: Difference[] = []
  let left = comparison
  for (const difference of DIFFERENCES) {
    if (isSame(left)) break
    const rest = difference.without(left)
    if (rest === undefined) continue
    by.push(difference)
    left = { ...left, ...rest }
  }
  if (!isSame(left)) return { kind: 'unlike', left }
  return by.length === 0 ? { kind: 'same' } : { kind: 'listed', by }
}

function isSame({ ipvs, tanist, incomplete }: Comparison): boolean {
  return (
    incomplete.ipvs === incomplete.tanist &&
    SIDES.every(
      (side) =>
        ipvs[side].length === tanist[side].length && ipvs[side].every((frame, i) => tanist[side][i]?.equals(frame)),
    )
  )
}
