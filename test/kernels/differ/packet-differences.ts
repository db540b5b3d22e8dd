import { crc32c } from '../../bpf/packets.ts'
import { anatomyOf, untagged } from './anatomy.ts'
import { type Difference, inPairs, isFragmented, NOTHING, OWN, ownError } from './difference.ts'
import { ETHERNET, PROTOCOL } from './packet.ts'
import { withoutRecords } from './records.ts'

/** In what headers say. */
export const PACKET_DIFFERENCES: readonly Difference[] = [
  {
    name: 'padding goes along',
    reason:
      'What a link has put behind a short packet (Ethernet’s 60 bytes) is not taken off for the next one, which would put it there again.',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const end = anatomyOf(tanist)?.end ?? tanist.length
      return ipvs.length === end && end < tanist.length ? [ipvs, tanist.subarray(0, end)] : undefined
    }),
  },
  {
    name: 'routes and times are not recorded',
    reason:
      'Options of IPv4 go along as they are: nobody’s record route or timestamps are filled in (RFC 7126 has routers ignore them).',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const [left, right] = [ipvs, tanist].map((frame) => {
        const inner = anatomyOf(frame)
        const isTunnel = inner?.protocol === 4 || inner?.protocol === 41
        return isTunnel ? withoutRecords(frame, inner.segment) : withoutRecords(frame)
      })
      return left === undefined || right === undefined ? undefined : [left, right]
    }),
  },
  {
    name: 'a datagram without a checksum gets none',
    reason:
      'RFC 768: its sender wants none; with IPv6 every receiver drops it (RFC 8200 section 8.1). By NAT IPVS reads the whole of it and puts ' +
      'one in, so that what was damaged before looks right.',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const anatomy = anatomyOf(tanist)
      if (anatomy?.protocol !== PROTOCOL.udp) return undefined
      const at = anatomy.segment + 6
      if (Math.min(ipvs.length, tanist.length) < at + 2 || tanist.readUInt16BE(at) !== 0) return undefined
      const copy = Buffer.from(ipvs)
      copy.writeUInt16BE(0, at)
      return [copy, tanist]
    }),
  },
  {
    name: 'routing headers that are not used up',
    reason:
      'RFC 8200 section 4.4 and RFC 5095: such a packet is not yet where it is for. The kernel says so, or passes it on where it is not for ' +
      'the director; IPVS looks behind the header.',
    parts: true,
    without: (comparison) => {
      const { tanist, step } = comparison
      const [sent] = step.frames
      const isRefused = tanist.client.every((frame) => {
        const error = ownError(frame, comparison)
        return (error?.v6 === true && error.type === 4) || (sent !== undefined && isPassedOn(untagged(sent), frame))
      })
      return isRefused && /routing header of type/.test(step.name) ? NOTHING : undefined
    },
  },
  {
    name: 'hop-by-hop options are not examined',
    reason:
      'RFC 8200 section 4: who is on the way need not. The server does; Linux refuses what it does not know and may not pass over.',
    parts: true,
    without: (comparison) => {
      const { ipvs, step } = comparison
      const errors = [...ipvs.client, ...ipvs.server].map((frame) => ownError(frame, comparison))
      const isRefused = errors.length > 0 && errors.every((error) => error?.v6 === true && error.type === 4)
      return isRefused && step.name.includes('hop-by-hop option to be refused') ? NOTHING : undefined
    },
  },
  {
    name: 'AH in IPv6',
    reason:
      'It follows the key exchange of its client, as with IPv4. IPVS looks for ports behind it, as behind any header of IPv6, and by NAT ' +
      'changes what AH protects.',
    parts: true,
    without: ({ step, service }) => (service.family === 'ipv6' && step.frames.some(hasAh) ? NOTHING : undefined),
  },
  {
    name: 'a wrong checksum of SCTP stays wrong',
    reason:
      'A new port changes it by the difference. IPVS computes it anew, so that nobody sees that the packet was damaged.',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const anatomy = anatomyOf(tanist)
      if (anatomy?.protocol !== PROTOCOL.sctp) return undefined
      const [at, end] = [anatomy.segment + 8, Math.min(anatomy.end, tanist.length)]
      if (Math.min(ipvs.length, end) < at + 4) return undefined
      const blank = blankChecksum(tanist, at)
      if (crc32c(blank.subarray(anatomy.segment, end)) === tanist.readUInt32LE(at)) return undefined
      return [blankChecksum(ipvs, at), blank]
    }),
  },
  {
    name: 'segments longer than their packet, or shorter than their header',
    reason:
      'TCP’s header or a datagram says so: they open no connection, as every receiver drops them. IPVS does not look.',
    parts: true,
    without: (comparison) => {
      const { tanist, step } = comparison
      const isOdd = !isFragmented(comparison) && step.frames.some((frame) => hasOddLength(untagged(frame)))
      return isOdd && tanist.server.length === 0 ? NOTHING : undefined
    },
  },
  {
    name: 'congestion is told to the tunnel’s end',
    reason:
      'RFC 6040 section 4.1: the outer header says so, too. IPVS does as RFC 3168 said before: there it is as if there were none yet.',
    parts: false,
    without: inPairs((ipvs, tanist, { service }) => {
      if (service.server?.method !== 'tun') return undefined
      const [at, bits] = service.family === 'ipv4' ? [ETHERNET + 1, 1] : [ETHERNET + 1, 0x10]
      if ((tanist[at] ?? 0) !== ((ipvs[at] ?? 0) | bits)) return undefined
      const copy = Buffer.from(tanist)
      copy[at] = ipvs[at] ?? 0
      return [ipvs, copy]
    }),
  },
  {
    name: 'IPv6 sources that are nobody’s',
    reason:
      'The director’s own addresses, and IPv4 addresses in the form of IPv6 (RFC 4291 section 2.5.5): they open no connection, as with IPv4, ' +
      'where Linux drops them before IPVS.',
    parts: true,
    without: ({ tanist, step, service }) => {
      const sources = step.frames.map((frame) => anatomyOf(untagged(frame))?.source ?? '')
      const isOdd = service.family === 'ipv6' && sources.every((source) => OWN.has(source) || /^0{20}/.test(source))
      return isOdd && tanist.server.length === 0 ? NOTHING : undefined
    },
  },
  {
    name: 'more than six extension headers',
    reason: 'Who sends so many has nothing in them: RFC 8200 section 4.1 knows no reason for a seventh one.',
    parts: true,
    without: ({ step }) => (step.name.includes('seven destination options') ? NOTHING : undefined),
  },
]

const hasAh = (frame: Uint8Array) => anatomyOf(untagged(frame))?.protocol === PROTOCOL.ah

/** With the addresses that it came with. */
function isPassedOn(sent: Buffer, frame: Buffer): boolean {
  const [before, after] = [anatomyOf(sent), anatomyOf(frame)]
  return before !== undefined && before.source === after?.source && before.destination === after.destination
}

function hasOddLength(frame: Buffer): boolean {
  const anatomy = anatomyOf(frame)
  if (anatomy === undefined || frame.length < anatomy.segment + 8) return false
  const { protocol, segment, end } = anatomy
  if (protocol === PROTOCOL.tcp) {
    const header = ((frame[segment + 12] ?? 0) >> 4) * 4
    return header < 20 || segment + header > end
  }
  const length = frame.readUInt16BE(segment + 4)
  return protocol === PROTOCOL.udp && (length < 8 || segment + length > end)
}

function blankChecksum(frame: Buffer, at: number): Buffer {
  const copy = Buffer.from(frame)
  copy.fill(0, at, at + 4)
  return copy
}
