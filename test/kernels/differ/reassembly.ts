import { untagged } from './anatomy.ts'
import { ETHERNET } from './packet.ts'

/** Where a fragment is in its frame, at the outermost header or in a tunnel. */
interface Fragment {
  /** Of the packet: the same for all its fragments. */
  readonly key: string
  /** The frame up to the data, as if there were one fragment only. */
  readonly head: Buffer
  readonly data: Buffer
  readonly offset: number
  readonly more: boolean
}

const IPV4 = 4
const TUNNELS = new Set([4, 41])
const EXTENSIONS = new Set([0, 43, 60])
const FRAGMENT = 44

/**
 * Puts the fragments among these frames together. A director may send fragments on as they come, or put them together first and cut
 * them up again where it likes; what their receiver makes of them is what counts. Lengths and checksums of IP headers, which depend on
 * that, are blanked in all frames, and so is the reserved bit. A packet stands where its last fragment did. What is never complete, or overlaps (RFC 5722, which
 * Linux follows for IPv4, too), is counted.
 */
export function reassembled(frames: readonly Buffer[]): { readonly whole: Buffer[]; readonly incomplete: number } {
  const whole: Buffer[] = []
  const waiting = new Map<string, Fragment[]>()
  const [spoiled, complete] = [new Set<string>(), new Set<string>()]
  for (const frame of frames) {
    const fragment = fragmentOf(frame)
    if (fragment === undefined) {
      whole.push(blanked(frame))
      continue
    }
    const { key } = fragment
    const known = waiting.get(key) ?? []
    // Linux takes none that is empty.
    if (fragment.data.length === 0 || complete.has(key)) continue
    if (known.some((other) => contains(other, fragment))) continue
    if (known.some((other) => overlap(other, fragment))) spoiled.add(key)
    const all = [...known, fragment]
    waiting.set(key, all)
    const packet = spoiled.has(key) ? undefined : joined(all)
    if (packet === undefined) continue
    whole.push(blanked(packet)) // what was within a fragment may have a header, too
    waiting.delete(key)
    complete.add(key)
  }
  return { whole, incomplete: waiting.size }
}

/** Whether any frame is a fragment. */
export const hasFragments = (frames: readonly Uint8Array[]) =>
  frames.some((frame) => fragmentOf(untagged(frame)) !== undefined)

/** Linux then takes it for one that came twice. */
const contains = (a: Fragment, b: Fragment) =>
  a.offset <= b.offset && b.offset + b.data.length <= a.offset + a.data.length

const overlap = (a: Fragment, b: Fragment) => a.offset < b.offset + b.data.length && b.offset < a.offset + a.data.length

function joined(fragments: readonly Fragment[]): Buffer | undefined {
  const sorted = fragments.toSorted((a, b) => a.offset - b.offset)
  const [first] = sorted
  const last = sorted.at(-1)
  if (first === undefined || last === undefined || first.offset !== 0 || last.more) return undefined
  const isGapless = sorted.every((each, i) => {
    const next = sorted[i + 1]
    return next === undefined || (each.more && each.offset + each.data.length === next.offset)
  })
  return isGapless ? Buffer.concat([first.head, ...sorted.map(({ data }) => data)]) : undefined
}

function fragmentOf(frame: Buffer, at = ETHERNET): Fragment | undefined {
  if (frame.length < at + 20) return undefined
  const version = (frame[at] ?? 0) >> 4
  if (version === IPV4) return fragment4(frame, at)
  return version === 6 && frame.length >= at + 40 ? fragment6(frame, at) : undefined
}

function fragment4(frame: Buffer, at: number): Fragment | undefined {
  const start = at + ((frame[at] ?? 0) & 15) * 4
  if (start < at + 20 || start > frame.length) return undefined
  const place = frame.readUInt16BE(at + 6)
  if ((place & 0x3fff) === 0) {
    return TUNNELS.has(frame[at + 9] ?? 0) ? fragmentOf(frame, start) : undefined
  }
  const head = blanked(frame).subarray(0, start)
  head.writeUInt16BE(place & 0x4000, at + 6)
  return {
    key: `${at} ${frame.toString('hex', at + 4, at + 6)} ${frame.toString('hex', at + 9, at + 10)} ${frame.toString('hex', at + 12, at + 20)}`,
    head,
    data: frame.subarray(start, at + frame.readUInt16BE(at + 2)),
    offset: (place & 0x1fff) * 8,
    more: (place & 0x2000) !== 0,
  }
}

function fragment6(frame: Buffer, at: number): Fragment | undefined {
  let [next, nextAt, offset] = [frame[at + 6] ?? 0, at + 6, at + 40]
  while (EXTENSIONS.has(next) && offset + 8 <= frame.length) {
    ;[next, nextAt, offset] = [frame[offset] ?? 0, offset, offset + 8 * ((frame[offset + 1] ?? 0) + 1)]
  }
  if (TUNNELS.has(next)) return fragmentOf(frame, offset)
  if (next !== FRAGMENT || offset + 8 > frame.length) return undefined
  const place = frame.readUInt16BE(offset + 2)
  if ((place & 0xfff9) === 0) return undefined
  const head = blanked(frame).subarray(0, offset)
  head[nextAt] = frame[offset] ?? 0
  return {
    key: `${at} ${frame.toString('hex', offset + 4, offset + 8)} ${frame.toString('hex', at + 8, at + 40)}`,
    head,
    data: frame.subarray(offset + 8, at + 40 + frame.readUInt16BE(at + 4)),
    offset: place & 0xfff8,
    more: (place & 1) !== 0,
  }
}

/** Without the lengths and checksums of its IP headers. */
function blanked(frame: Buffer): Buffer {
  const copy = Buffer.from(frame)
  for (let at = ETHERNET; at + 20 <= copy.length;) {
    const version = (copy[at] ?? 0) >> 4
    if (version === IPV4) {
      copy.writeUInt16BE(0, at + 2)
      copy.writeUInt16BE(copy.readUInt16BE(at + 6) & 0x7fff, at + 6)
      copy.writeUInt16BE(0, at + 10)
      if (!TUNNELS.has(copy[at + 9] ?? 0)) break
      at += Math.max(20, ((copy[at] ?? 0) & 15) * 4)
    } else if (version === 6 && at + 40 <= copy.length) {
      copy.writeUInt16BE(0, at + 4)
      if (!TUNNELS.has(copy[at + 6] ?? 0)) break
      at += 40
    } else break
  }
  return copy
}
