import type { Family } from '../model/vrrp.ts'
import { assemble, FROM_IP_HEADER, type Instruction, OP, type ProgramStep } from '../net/packet-filter.ts'

/** Who listens at a socket. */
export interface Listeners {
  readonly family: Family
  /** Bytes before the advert: those of an Authentication Header. */
  readonly lead: number
  readonly vrids: ReadonlySet<number>
  /** Adverts to a group are for somebody here; those to this host's own addresses are. */
  readonly multicast: boolean
  readonly unicast: boolean
}

/** All of it. */
const KEEP = 0xffffffff
const HEADER_LENGTH = 8
const ALL_TTL = 255
/** Version and type of an advert, in one byte. */
const ADVERTS = [0x21, 0x31]
/** Where the IP header has the TTL, and the first byte of the destination; from what on that is a group. */
const IP_FIELDS = {
  4: { ttl: 8, destination: 16, group: 0xe0 },
  6: { ttl: 7, destination: 24, group: 0xff },
} as const

/**
 * The kernel's part of the checks of RFC 9568 §7.1, for a raw socket: what cannot be an advert for anybody here does not wake the process.
 * `adverts` keeps what may be one; `strays` is the exact contrary: what is left, for another socket, that is read when there is time.
 */
export function advertFilter(kept: 'adverts' | 'strays', listeners: Listeners): readonly Instruction[] {
  const { ttl, destination, group } = IP_FIELDS[listeners.family]
  return assemble([
    { op: OP.loadByte, k: FROM_IP_HEADER + destination },
    { op: OP.ifAtLeast, k: group, yes: 'group', no: listeners.unicast ? 'payload' : 'stray' },
    { label: 'group' },
    ...(listeners.multicast
      ? [
          { op: OP.loadByte, k: FROM_IP_HEADER + ttl },
          { op: OP.ifEqual, k: ALL_TTL, yes: 'payload', no: 'stray' },
        ]
      : // With nobody in a group, whatever is sent to one is a stray.
        [{ op: OP.ifAtLeast, k: 0, yes: 'stray' }]),
    { label: 'payload' },
    // A raw socket of IPv4 gets the IP header, too; one of IPv6 does not.
    listeners.family === 4 ? { op: OP.loadHeaderLength, k: 0 } : { op: OP.loadNumberX, k: 0 },
    { op: OP.loadLength, k: 0 },
    { op: OP.subtractX, k: 0 },
    { op: OP.ifAtLeast, k: listeners.lead + HEADER_LENGTH, no: 'stray' },
    { op: OP.loadByteX, k: listeners.lead },
    ...ADVERTS.map((type, i): ProgramStep => {
      const isLast = i === ADVERTS.length - 1
      return isLast ? { op: OP.ifEqual, k: type, no: 'stray' } : { op: OP.ifEqual, k: type, yes: 'vrid' }
    }),
    { label: 'vrid' },
    ...knownVrid(listeners),
    { label: 'advert' },
    { op: OP.answer, k: kept === 'adverts' ? KEEP : 0 },
    { label: 'stray' },
    { op: OP.answer, k: kept === 'strays' ? KEEP : 0 },
  ])
}

/** Whether the second byte is in the set, in few steps whatever its size: a bit of one of eight words. */
function knownVrid({ lead, vrids }: Listeners): ProgramStep[] {
  const words = new Uint32Array(8)
  for (const vrid of vrids) words[vrid >> 5] = (words[vrid >> 5] ?? 0) | (1 << (vrid & 31))
  return [
    { op: OP.loadByteX, k: lead + 1 },
    { op: OP.store, k: 0 },
    { op: OP.and, k: 31 },
    { op: OP.copyToX, k: 0 },
    { op: OP.recall, k: 0 },
    { op: OP.shiftRight, k: 5 },
    ...[...words].flatMap((word, i): ProgramStep[] => [
      { op: OP.ifEqual, k: i, no: `not ${i}` },
      { op: OP.loadNumber, k: word },
      { op: OP.ifAtLeast, k: 0, yes: 'bit' },
      { label: `not ${i}` },
    ]),
    { label: 'bit' },
    { op: OP.shiftRightX, k: 0 },
    { op: OP.and, k: 1 },
    { op: OP.ifEqual, k: 1, yes: 'advert', no: 'stray' },
  ]
}
