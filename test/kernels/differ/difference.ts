import { checksum } from '../../../src/net/checksum.ts'
import { anatomyOf, icmpErrorOf } from './anatomy.ts'
import type { Comparison } from './comparison.ts'
import { bytesOf, ETHERNET, PROTOCOL } from './packet.ts'
import { hasFragments } from './reassembly.ts'
import type { Seen } from './wired-twin.ts'
import { DIRECTOR, type Side, VIPS } from './world.ts'

/** Something in which the two differ, and are meant to. */
export interface Difference {
  readonly name: string
  readonly reason: string
  /** Whether the two differ in what they know afterwards, so that the rest of the case cannot be compared. */
  readonly parts: boolean
  /** What is left to compare without it; undefined where it is not what makes the two differ. */
  readonly without: (comparison: Comparison) => Partial<Comparison> | undefined
}

const SIDES: readonly Side[] = ['client', 'server']

/** Nothing has left. */
export const isSilent = (seen: Seen) => SIDES.every((side) => seen[side].length === 0)

/** Changes pairs of frames that stand in the same place; undefined where there is no pair that it changes. */
export function inPairs(
  change: (ipvs: Buffer, tanist: Buffer, comparison: Comparison) => readonly [Buffer, Buffer] | undefined,
): Difference['without'] {
  return (comparison) => {
    const changed = SIDES.map((side) => {
      const [left, right] = [[...comparison.ipvs[side]], [...comparison.tanist[side]]]
      let found = false
      for (const [i, ipvs] of left.entries()) {
        const tanist = right[i]
        const pair = tanist === undefined || ipvs.equals(tanist) ? undefined : change(ipvs, tanist, comparison)
        if (pair === undefined) continue
        ;[left[i], right[i]] = pair
        found = true
      }
      return { left, right, found }
    })
    const [client, server] = changed
    if (client === undefined || server === undefined || !changed.some(({ found }) => found)) return undefined
    return {
      ipvs: { client: client.left, server: server.left },
      tanist: { client: client.right, server: server.right },
    }
  }
}

/** Nothing that is left to compare. */
export const NOTHING: Partial<Comparison> = {
  ipvs: { client: [], server: [] },
  tanist: { client: [], server: [] },
  incomplete: { ipvs: 0, tanist: 0 },
}

export const isFragmented = ({ step }: Comparison) => hasFragments(step.frames)

const hex = (address: string) => Buffer.from(bytesOf(address)).toString('hex')
export const OWN = new Set(
  (['ipv4', 'ipv6'] as const).flatMap((family) => [...Object.values(DIRECTOR[family]), ...VIPS[family]]).map(hex),
)

/** An error of the director's own: not one that it forwards. */
export function ownError(frame: Buffer, { step }: Comparison) {
  const error = icmpErrorOf(frame)
  return error !== undefined && OWN.has(error.source) && !step.name.includes('error') ? error : undefined
}

/** With the hop in the quote as if it had not been taken off, and nothing that depends on the quote's length. */
export function quoting(frame: Buffer, length: number, at: number): Buffer {
  const copy = Buffer.from(frame.subarray(0, at + length))
  const isV4 = copy.readUInt16BE(12) === 0x0800
  copy.writeUInt16BE(0, ETHERNET + (isV4 ? 2 : 4))
  if (isV4) copy.writeUInt16BE(0, ETHERNET + 10)
  copy.writeUInt16BE(0, at - 6)
  if (length > 8) copy[at + (isV4 ? 8 : 7)] = 0
  if (length > 12 && isV4) copy.writeUInt16BE(0, at + 10)
  return copy
}

/** Whether an ICMP message has the right checksum. */
export function isRightIcmp(frame: Buffer): boolean {
  const anatomy = anatomyOf(frame)
  if (anatomy === undefined) return false
  const { v6, source, destination, segment, end } = anatomy
  // Where fragments were put together the length is blank.
  const message = frame.subarray(segment, end > segment ? end : frame.length)
  const pseudo = Buffer.alloc(4)
  pseudo[1] = PROTOCOL.icmp6
  pseudo.writeUInt16BE(message.length, 2)
  const ends = v6 ? [Buffer.from(source, 'hex'), Buffer.from(destination, 'hex'), pseudo] : []
  return checksum(...ends, message) === 0
}
