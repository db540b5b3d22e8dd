import { anatomyOf, untagged } from './anatomy.ts'
import { type Difference, inPairs, isFragmented, isSilent, NOTHING, ownError, quoting } from './difference.ts'
import { ETHERNET } from './packet.ts'
import { reassembled } from './reassembly.ts'

/** With fragments, those that come and those that are made. */
export const FRAGMENT_DIFFERENCES: readonly Difference[] = [
  {
    name: 'a fragment header of a whole packet stays',
    reason: 'RFC 6946: such a packet is whole. IPVS takes the header off, as all packets go through its reassembly.',
    parts: false,
    without: inPairs((ipvs, tanist, { step }) => {
      if (!step.name.includes('atomic fragment')) return undefined
      const anatomy = anatomyOf(tanist)
      if (anatomy?.v6 !== true || tanist.length !== ipvs.length + 8 || tanist[ETHERNET + 6] !== 44) return undefined
      const copy = Buffer.concat([tanist.subarray(0, ETHERNET + 40), tanist.subarray(ETHERNET + 48)])
      copy[ETHERNET + 6] = tanist[ETHERNET + 40] ?? 0
      copy.writeUInt16BE(copy.readUInt16BE(ETHERNET + 4) - 8, ETHERNET + 4)
      return [ipvs, copy]
    }),
  },
  {
    name: 'an error about a fragment quotes the fragment',
    reason:
      'Fragments go on one by one, and so do errors about them: at most one, for the first. IPVS puts the packet together before.',
    parts: false,
    without: inPairs((ipvs, tanist, comparison) => {
      const [left, right] = [ownError(ipvs, comparison), ownError(tanist, comparison)]
      const isFragment = isFragmented(comparison) || comparison.step.name.includes('atomic fragment')
      if (!isFragment || left === undefined || right?.quote !== left.quote) return undefined
      return [quoting(ipvs, 0, left.quote), quoting(tanist, 0, right.quote)]
    }),
  },
  {
    name: 'fragments that will never be whole',
    reason:
      'Fragments go on one by one; IPVS keeps them until the last one is there. The server waits in its place, and takes no packet that ' +
      'is not whole.',
    parts: true,
    without: (comparison) => {
      const { ipvs, tanist, incomplete, step } = comparison
      const isWhole = reassembled(step.frames.map(untagged)).whole.length > 0
      const isOwn = [...tanist.client, ...tanist.server].every((frame) => ownError(frame, comparison))
      return isSilent(ipvs) && incomplete.ipvs === 0 && !isWhole && isOwn && isFragmented(comparison)
        ? NOTHING
        : undefined
    },
  },
  {
    name: 'a first IPv6 fragment without all headers',
    reason:
      'RFC 8200 section 4.5 wants it discarded and a Parameter Problem (4/3) sent. IPVS takes it out of the reassembly and sends it on or drops it.',
    parts: true,
    without: (comparison) => {
      const { ipvs, tanist, service } = comparison
      const errors = tanist.client.map((frame) => ownError(frame, comparison))
      const isRefused = errors.length > 0 && errors.every((error) => error?.type === 4)
      const isQuiet =
        [...ipvs.server, ...tanist.server].length === 0 && ipvs.client.every((frame) => ownError(frame, comparison))
      return service.family === 'ipv6' && isFragmented(comparison) && isRefused && isQuiet ? NOTHING : undefined
    },
  },
  {
    name: 'fragments that say “don’t fragment”',
    reason:
      'What is neither for a service nor from a real server is the kernel’s. With IPVS all fragments that the kernel forwards are put together, ' +
      'and those that say so can then not be cut up again, and are lost.',
    parts: false,
    without: (comparison) => {
      const { ipvs, step } = comparison
      const says = step.frames.every((frame) => ((untagged(frame)[ETHERNET + 6] ?? 0) & 0x40) !== 0)
      return comparison.service.family === 'ipv4' && isFragmented(comparison) && says && isSilent(ipvs)
        ? NOTHING
        : undefined
    },
  },
  {
    name: 'what is too long for a tunnel is cut up within it',
    reason:
      'RFC 4459 section 3.4: so the real server need not put fragments together before it takes the outer header off. IPVS cuts up the outer packet.',
    parts: false,
    without: ({ ipvs, tanist, service }) => {
      if (service.server?.method !== 'tun' || ipvs.server.length < 2) return undefined
      const [left, right] = [reassembled(ipvs.server), reassembled(tanist.server)]
      return { ipvs: { ...ipvs, server: left.whole }, tanist: { ...tanist, server: right.whole } }
    },
  },
]
