import { anatomyOf, icmpErrorOf, untagged } from './anatomy.ts'
import type { Comparison } from './comparison.ts'
import { type Difference, isFragmented, isRightIcmp, isSilent, NOTHING, ownError } from './difference.ts'
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

const sentBy = ({ step }: Comparison) => step.frames.map(untagged)

/** The ICMP error that a step is, if it is one and comes whole. */
function sentError(comparison: Comparison) {
  const [frame, ...others] = sentBy(comparison)
  const error = frame === undefined || others.length > 0 ? undefined : icmpErrorOf(frame)
  return frame === undefined || error === undefined ? undefined : { ...error, frame }
}

/** Where Tanist is known to be wrong, and by what it is to be mended. Not for long. */
export const FAULTS: readonly Difference[] = [
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
]
