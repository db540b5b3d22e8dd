import { ETHERNET, PROTOCOL } from './packet.ts'

/** Where the parts of a frame are. */
export interface Anatomy {
  readonly v6: boolean
  readonly source: string
  readonly destination: string
  readonly protocol: number
  /** Where what follows the IP headers begins. */
  readonly segment: number
  /** Where the packet says that it ends. */
  readonly end: number
}

const EXTENSIONS = new Set([0, 43, 44, 60])

/** The frame without its VLAN tag. */
export function untagged(frame: Uint8Array): Buffer {
  const bytes = Buffer.from(frame)
  return bytes.readUInt16BE(12) === 0x8100 ? Buffer.concat([bytes.subarray(0, 12), bytes.subarray(16)]) : bytes
}

/** Undefined where no IP packet begins. */
export function anatomyOf(frame: Buffer, at = ETHERNET): Anatomy | undefined {
  const version = (frame[at] ?? 0) >> 4
  if (version === 4 && frame.length >= at + 20) {
    return {
      v6: false,
      source: frame.toString('hex', at + 12, at + 16),
      destination: frame.toString('hex', at + 16, at + 20),
      protocol: frame[at + 9] ?? 0,
      segment: at + ((frame[at] ?? 0) & 15) * 4,
      end: at + frame.readUInt16BE(at + 2),
    }
  }
  if (version !== 6 || frame.length < at + 40) return undefined
  let [protocol, segment] = [frame[at + 6] ?? 0, at + 40]
  while (EXTENSIONS.has(protocol) && segment + 8 <= frame.length) {
    const length = protocol === 44 ? 8 : 8 * ((frame[segment + 1] ?? 0) + 1)
    ;[protocol, segment] = [frame[segment] ?? 0, segment + length]
  }
  return {
    v6: true,
    source: frame.toString('hex', at + 8, at + 24),
    destination: frame.toString('hex', at + 24, at + 40),
    protocol,
    segment,
    end: at + 40 + frame.readUInt16BE(at + 4),
  }
}

/** An ICMP error and where what it quotes begins. */
export interface IcmpError extends Anatomy {
  readonly type: number
  readonly quote: number
}

export function icmpErrorOf(frame: Buffer): IcmpError | undefined {
  const anatomy = anatomyOf(frame)
  if (anatomy === undefined || frame.length < anatomy.segment + 8) return undefined
  const { v6, protocol, segment } = anatomy
  const type = frame[segment] ?? 0
  const isError = v6 ? protocol === PROTOCOL.icmp6 && type < 128 : protocol === PROTOCOL.icmp && ERRORS.has(type)
  return isError ? { ...anatomy, type, quote: segment + 8 } : undefined
}

const ERRORS = new Set([3, 4, 5, 11, 12])
