import type { PeerSnapshot } from '../../control/snapshot.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import { parseAddress } from '../../net/address.ts'
import { DROP_REASONS, type DropReason } from '../../vrrp/drop-reason.ts'
import { CHECKSUM_FORMS } from '../../vrrp/packet/checksum.ts'
import { peerNotes } from '../../vrrp/peer-news.ts'
import type { Peer } from '../../vrrp/peers.ts'

/** Everybody who was heard, and the configured peers who were not. */
export function peerSnapshots(
  instance: VrrpInstance,
  heard: readonly Peer[],
  freeVrid: () => number | undefined,
): readonly PeerSnapshot[] {
  const known = new Set(heard.map(({ address }) => address))
  const silent = instance.unicastPeers.filter(({ address }) => !known.has(address))
  return [
    ...silent.map(({ address }) => ({
      address,
      priority: undefined,
      lastHeard: undefined,
      rejected: undefined,
      notes: ['nothing was heard from it'],
    })),
    ...heard.map((peer) => ({
      address: peer.address,
      priority: peer.priority,
      version: peer.version,
      checksum: peer.checksum,
      lastHeard: new Date(peer.lastHeard).toISOString(),
      accepted: peer.accepted,
      refused: peer.refused,
      rejected: peer.rejection?.drop,
      mac: peer.neighbour.mac,
      notes: peerNotes(instance, peer, peer.difference?.isForeign === true ? freeVrid() : undefined),
    })),
  ]
}

/** What is known of a peer from another process; undefined if it was never heard. What needs its advert, its next one will tell. */
export function peerOf(snapshot: PeerSnapshot): Peer | undefined {
  const { priority, version, lastHeard, accepted = 0, refused = 0 } = snapshot
  const address = parseAddress(snapshot.address)
  if (address === undefined || lastHeard === undefined) return undefined
  const drop = Object.keys(DROP_REASONS).find((each): each is DropReason => each === snapshot.rejected)
  return {
    address,
    lastHeard: Date.parse(lastHeard),
    accepted,
    refused,
    priority,
    version,
    checksum: CHECKSUM_FORMS.find((form) => form === snapshot.checksum),
    rejection: drop === undefined ? undefined : { drop, detail: undefined },
    difference: undefined,
    tolerated: undefined,
    ties: false,
    neighbour: { asked: 0, mac: undefined },
  }
}
