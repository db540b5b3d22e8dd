import { checksum } from '../../../src/net/checksum.ts'
import { anatomyOf, icmpErrorOf, untagged } from './anatomy.ts'
import { type Difference, inPairs, isRightIcmp, isSilent, NOTHING, ownError, quoting } from './difference.ts'
import { ETHERNET, PROTOCOL } from './packet.ts'
import { withoutRecords } from './records.ts'
import { MAC, macBytes } from './world.ts'

/** Of a client to whom the director has no route. */
const LOST = /^(0a44|fd000068)/

/** In ICMP errors: the director's own, and those that it forwards. */
export const ERROR_DIFFERENCES: readonly Difference[] = [
  {
    name: 'an error has no options',
    reason:
      'Linux sends a record of routes or times back in its errors. What is for tests of a network goes no further than the director.',
    parts: false,
    without: inPairs((ipvs, tanist, comparison) => {
      const [left, right] = [ownError(ipvs, comparison), ownError(tanist, comparison)]
      if (left === undefined || left.v6 || left.segment === ETHERNET + 20 || right?.segment !== ETHERNET + 20)
        return undefined
      const plain = Buffer.concat([ipvs.subarray(0, ETHERNET + 20), ipvs.subarray(left.segment)])
      const length = tanist.length - right.quote
      if (plain.length < tanist.length || !isRightIcmp(tanist)) return undefined
      plain[ETHERNET] = 0x45
      // Its quote has the options as they were left by the director.
      return [plain, tanist].map((frame) => {
        const quote = quoting(frame, length, right.quote)
        return withoutRecords(quote, right.quote) ?? quote
      }) as [Buffer, Buffer]
    }),
  },
  {
    name: 'an error quotes less',
    reason:
      'What the director says itself quotes the packet as it came, with its headers and 8 bytes (TCP: 20): RFC 792 asks for no more, and ' +
      'a packet of which the device is yet to make the checksum can be cut nowhere else. Linux quotes up to 576 or 1280 bytes, and with ' +
      '“too long” one hop less.',
    parts: false,
    without: inPairs((ipvs, tanist, comparison) => {
      const [left, right] = [ownError(ipvs, comparison), ownError(tanist, comparison)]
      if (left === undefined || right?.quote !== left.quote) return undefined
      const length = Math.min(ipvs.length, tanist.length) - left.quote
      const inner = anatomyOf(tanist, right.quote)
      if (inner === undefined || tanist.length > ipvs.length || tanist.length < inner.segment + 8) return undefined
      if (!isRightIcmp(tanist)) return undefined
      return [quoting(ipvs, length, left.quote), quoting(tanist, length, right.quote)]
    }),
  },
  {
    name: 'an error goes back to the sender’s MAC',
    reason: 'It takes the way that the packet came by, without a look at the routes: the packet did, too.',
    parts: false,
    without: inPairs((ipvs, tanist, comparison) => {
      const { side } = comparison.step
      if (ownError(tanist, comparison) === undefined) return undefined
      if (!tanist.subarray(0, 6).equals(macBytes(MAC[side].host))) return undefined
      return [ipvs, Buffer.concat([ipvs.subarray(0, 6), tanist.subarray(6)])]
    }),
  },
  {
    name: 'an error needs no route',
    reason:
      'As it goes back the way that the packet came by, a client to whom there is no route gets it, too, and so does a server about what is for such a client.',
    parts: false,
    without: (comparison) => {
      const { ipvs, tanist, step } = comparison
      const from = macBytes(MAC[step.side].host)
      const isBack = (frame: Buffer) => ownError(frame, comparison) !== undefined && frame.subarray(0, 6).equals(from)
      const isLost = step.frames.every((frame) => {
        const { source, destination } = anatomyOf(untagged(frame)) ?? { source: '', destination: '' }
        return LOST.test(source) || LOST.test(destination)
      })
      const all = [...tanist.client, ...tanist.server]
      return isLost && isSilent(ipvs) && all.length > 0 && all.every(isBack) ? NOTHING : undefined
    },
  },
  {
    name: 'a quoted datagram gets a right checksum',
    reason: 'RFC 5508 section 4.2: IPVS leaves the checksum of the quoted datagram as it was before translation.',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const [left, right] = [icmpErrorOf(ipvs), icmpErrorOf(tanist)]
      const inner = right && anatomyOf(tanist, right.quote)
      if (left === undefined || inner?.protocol !== PROTOCOL.udp) return undefined
      if (Math.min(ipvs.length, tanist.length) < inner.segment + 8) return undefined
      if (!isRightIcmp(tanist)) return undefined
      return [ipvs, tanist].map((frame) => {
        const copy = Buffer.from(frame)
        copy.writeUInt16BE(0, inner.segment + 6)
        copy.writeUInt16BE(0, (right?.segment ?? 0) + 2)
        return copy
      }) as [Buffer, Buffer]
    }),
  },
  {
    name: 'a wrong checksum in a quote stays wrong',
    reason: 'That of the quoted IP header changes by the difference. IPVS computes it anew.',
    parts: false,
    without: inPairs((ipvs, tanist) => {
      const [left, right] = [icmpErrorOf(ipvs), icmpErrorOf(tanist)]
      if (left === undefined || right === undefined || right.v6 || tanist.length < right.quote + 20) return undefined
      if (ipvs.length !== tanist.length || left.quote !== right.quote || !isRightIcmp(tanist)) return undefined
      const quoted = tanist.subarray(right.quote, anatomyOf(tanist, right.quote)?.segment)
      if (checksum(quoted) === 0) return undefined
      return [ipvs, tanist].map((frame) => {
        const copy = Buffer.from(frame)
        copy.writeUInt16BE(0, right.quote + 10)
        copy.writeUInt16BE(0, right.segment + 2)
        return copy
      }) as [Buffer, Buffer]
    }),
  },
  {
    name: 'a parameter problem is translated',
    reason:
      'IPVS does not know this type of error: it leaves the server’s address in it, and gives what is for a server to the director.',
    parts: false,
    without: ({ ipvs, tanist, step, service }) => {
      const [sent] = step.frames
      const error = sent && icmpErrorOf(untagged(sent))
      if (service.family !== 'ipv4' || error?.type !== 12) return undefined
      const all = [...ipvs.client, ...ipvs.server, ...tanist.client, ...tanist.server]
      return all.every((frame) => icmpErrorOf(frame)?.type === 12) ? NOTHING : undefined
    },
  },
  {
    name: 'an ICMPv6 packet that ends before its header',
    reason: 'What is no connection’s is the kernel’s, which passes it on. IPVS cannot read it, and drops it.',
    parts: false,
    without: ({ ipvs, step }) => {
      const isCut = step.frames.every((frame) => {
        const anatomy = anatomyOf(untagged(frame))
        return anatomy?.protocol === PROTOCOL.icmp6 && anatomy.end < anatomy.segment + 8
      })
      return isCut && isSilent(ipvs) ? NOTHING : undefined
    },
  },
]
