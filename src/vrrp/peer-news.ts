import type { AdvertChecksum, VrrpInstance } from '../model/vrrp.ts'
import { type AddressDifference, differenceText } from './address-difference.ts'
import { DROP_REASONS } from './drop-reason.ts'
import type { Peer } from './peers.ts'

/** Something about a peer that people should know. */
export interface PeerNews {
  /** News of one subject are one as far as their rate is limited. */
  readonly subject: string
  readonly level: 'info' | 'warn'
  readonly text: string
}

const CHECKSUMS: Readonly<Record<AdvertChecksum, string>> = {
  'pseudo-header': 'with a pseudo-header',
  plain: 'without a pseudo-header (RFC 9568)',
  'old-unicast': 'as keepalived before 1.3.7 (old_unicast_checksum)',
}

/** What a packet has changed. `freeVrid`: a number that nobody uses on the link. */
export function peerNews(
  { name, checksum: ours, vrid }: VrrpInstance,
  before: Peer | undefined,
  now: Peer,
  freeVrid: () => number | undefined,
): readonly PeerNews[] {
  const { address } = now
  const news = (topic: string, level: PeerNews['level'], text: string): PeerNews => ({
    subject: `${address} ${topic}`,
    level,
    text: `(${name}) ${text}`,
  })
  const found: PeerNews[] = []
  if (now.rejection !== undefined) {
    const { drop } = now.rejection
    found.push(news(drop, 'warn', `advert from ${address} is refused: ${drop}: ${rejectionText(now.rejection)}`))
  } else if (before?.rejection !== undefined) {
    found.push(news('accepted', 'info', `adverts from ${address} count again`))
  }
  const difference = now.difference === undefined ? undefined : differenceText(now.difference)
  const { mac } = now.neighbour
  const isFound = now.difference?.isForeign === true && mac !== before?.neighbour.mac
  if (
    now.difference !== undefined &&
    (isFound || difference !== (before?.difference && differenceText(before.difference)))
  ) {
    const suggestion = now.difference.isForeign ? foreignText(now.difference, vrid, freeVrid()) : ''
    const who = now.difference.isForeign && mac !== undefined ? `${address} (MAC ${mac})` : address
    const topic = isFound ? 'addresses and MAC' : 'addresses'
    found.push(news(topic, 'warn', `${who} lists other addresses: ${difference}${suggestion}`))
  }
  if (now.difference === undefined && before?.difference !== undefined && now.rejection === undefined) {
    found.push(news('same addresses', 'info', `${address} lists the same addresses now`))
  }
  if (now.ties && before?.ties !== true) {
    const text = `${address} has the same priority, ${now.priority}: who is master is decided by the address`
    found.push(news('same priority', 'warn', `${text}. Give one of them another priority`))
  }
  const isOther = now.checksum !== undefined && now.checksum !== ours && now.checksum !== before?.checksum
  if (isOther && hasForms(now) && now.checksum !== undefined) {
    const text = `${address} sends checksums ${CHECKSUMS[now.checksum]}; they are understood, and sent from here ${CHECKSUMS[ours]}`
    found.push(news('checksum', 'info', text))
  }
  if (now.tolerated !== undefined && now.tolerated !== before?.tolerated) {
    const text = `advert from ${address} counts, though mode enforce would drop it: ${DROP_REASONS[now.tolerated]}`
    found.push(news('tolerated', 'warn', text))
  }
  return found
}

/** Only version 3 over IPv4 has a choice of checksums. */
const hasForms = ({ version, address }: Peer): boolean => version === 3 && !address.includes(':')

const foreignText = ({ onlyThere }: AddressDifference, vrid: number, free: number | undefined): string =>
  onlyThere.length === 0
    ? ''
    : `: another cluster with virtual_router_id ${vrid}?${free === undefined ? '' : ` ${free} is free on this link`}`

/** The reason for which packets of a peer are refused, with what they say and what is expected. */
export const rejectionText = ({ drop, detail }: NonNullable<Peer['rejection']>): string =>
  detail === undefined ? DROP_REASONS[drop] : `${DROP_REASONS[drop]} (${detail})`

/** What is remarkable about a peer, in words: for lists of peers. */
export function peerNotes(
  { checksum: ours, vrid }: VrrpInstance,
  peer: Peer,
  free: number | undefined,
): readonly string[] {
  const { rejection, difference, checksum, tolerated, refused, ties, neighbour } = peer
  return [
    ...(rejection === undefined ? [] : [`${rejectionText(rejection)}; ${refused} refused`]),
    ...(difference === undefined || rejection?.drop === 'addresses'
      ? []
      : [`other addresses: ${differenceText(difference)}`]),
    ...(difference?.isForeign === true ? [foreignText(difference, vrid, free).replace(/^: /, '')] : []),
    ...(difference?.isForeign === true && neighbour.mac !== undefined ? [`MAC ${neighbour.mac}`] : []),
    ...(ties ? ['the same priority: the greater address is master'] : []),
    ...(checksum === undefined || checksum === ours || !hasForms(peer) ? [] : [`checksums ${CHECKSUMS[checksum]}`]),
    ...(tolerated === undefined ? [] : [`mode enforce would drop its adverts: ${DROP_REASONS[tolerated]}`]),
  ].filter((note) => note !== '')
}
