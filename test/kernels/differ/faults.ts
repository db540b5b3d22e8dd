import { anatomyOf, icmpErrorOf, untagged } from './anatomy.ts'
import type { Comparison } from './comparison.ts'
import { type Difference, inPairs, isFragmented, isRightIcmp, isSilent, NOTHING, OWN, ownError } from './difference.ts'
import { ETHERNET } from './packet.ts'

/** One that leads to other outcomes in what follows, too. */
const fault = (name: string, reason: string, applies: (comparison: Comparison) => boolean | undefined): Difference => ({
  name,
  reason,
  parts: true,
  without: (comparison) => (applies(comparison) === true ? NOTHING : undefined),
})

const LINK_MTU = 1500
const CLIENT_MTU = 1300
/** Of a client that the director reaches by a route with that MTU. */
const NARROW = /^(0a43|fd000067)/
/** 127.0.0.0/8, 0.0.0.0/8, multicast and what is above; ::1, :: and ff00::/8. */
const MARTIAN = /^(7f|00......$|[ef].......$|0{31}|ff)/

const sentBy = ({ step }: Comparison) => step.frames.map(untagged)

/** The ICMP error that a step is, if it is one and comes whole. */
function sentError(comparison: Comparison) {
  const [frame, ...others] = sentBy(comparison)
  const error = frame === undefined || others.length > 0 ? undefined : icmpErrorOf(frame)
  return frame === undefined || error === undefined ? undefined : { ...error, frame }
}

/** Where Tanist is known to be wrong, and by what it is to be mended. Not for long. */
export const FAULTS: readonly Difference[] = [
  fault(
    'ICMPv6 errors of types that nobody has defined',
    'RFC 4443 section 2.1: below 128 all are errors.',
    (comparison) => {
      const error = sentError(comparison)
      return error?.v6 === true && error.type > 4
    },
  ),
  fault('an ICMP error that is longer than the way', 'It has to be dropped (IPv6) or cut up (IPv4).', (comparison) => {
    const length = (sentError(comparison)?.frame.length ?? 0) - ETHERNET
    return length > LINK_MTU && isSilent(comparison.ipvs)
  }),
  fault(
    'an ICMP error with a wrong checksum',
    'It is sent on, and still wrong: its receiver drops it.',
    (comparison) => {
      const error = sentError(comparison)
      return error !== undefined && !isRightIcmp(error.frame) && isSilent(comparison.ipvs)
    },
  ),
  fault('an ICMP error from nobody', 'Sources that open no connection are to have no errors, either.', (comparison) => {
    const source = sentError(comparison)?.source ?? ''
    return (OWN.has(source) || MARTIAN.test(source)) && isSilent(comparison.ipvs)
  }),
  fault(
    'timestamps that cannot be counted any more',
    'Linux refuses a full option of which the counter is full, too.',
    (comparison) => {
      const { ipvs, step } = comparison
      const isRefused = [...ipvs.client, ...ipvs.server].every((frame) => icmpErrorOf(frame)?.type === 12)
      return isRefused && step.name.includes('counted to the end')
    },
  ),
  fault(
    'fragments that the core does not follow',
    'Of IPv6, of ICMP, and of one-packet services; out of order.',
    (comparison) => {
      const { tanist, incomplete, step } = comparison
      const errors = [...tanist.client, ...tanist.server].filter((frame) => ownError(frame, comparison))
      const isLost = isSilent(tanist) || incomplete.tanist > 0 || errors.length > 1
      return isFragmented(comparison) && (isLost || step.name.includes('error'))
    },
  ),
  fault('the MTU of the route to a client', 'Only that of the link is heeded.', (comparison) => {
    const isLong = sentBy(comparison).some((frame) => frame.length > ETHERNET + CLIENT_MTU)
    const isNarrow = sentBy(comparison).every((frame) => NARROW.test(anatomyOf(frame)?.destination ?? ''))
    return comparison.step.side === 'server' && isLong && isNarrow
  }),
  fault('an ICMP error about a tunnel', 'The client is to be told, as IPVS does.', ({ ipvs, tanist, step }) => {
    return step.name.includes('tunnel error') && ipvs.client.length === 1 && isSilent(tanist)
  }),
  fault(
    'an error about many extension headers',
    'More than 256 bytes of headers cannot be quoted.',
    ({ tanist, step }) => {
      return step.name.includes('long destination options') && isSilent(tanist)
    },
  ),
  fault(
    'the reserved bit',
    'From outside it is taken for the mark that the core itself makes on what it cuts up.',
    (comparison) => {
      const isMarked = sentBy(comparison).every((frame) => ((frame[ETHERNET + 6] ?? 0) & 0x80) !== 0)
      return comparison.service.family === 'ipv4' && isMarked && comparison.tanist.client.length === 0
    },
  ),
  {
    name: 'the type of service of an error',
    reason: 'Linux takes over the four bits of the packet; Tanist’s errors always have 0xc0.',
    parts: false,
    without: inPairs((ipvs, tanist, comparison) => {
      if (ownError(tanist, comparison)?.v6 !== false || (tanist[ETHERNET + 1] ?? 0) !== 0xc0) return undefined
      const copy = Buffer.from(tanist)
      copy[ETHERNET + 1] = ipvs[ETHERNET + 1] ?? 0
      return [ipvs, copy]
    }),
  },
]
