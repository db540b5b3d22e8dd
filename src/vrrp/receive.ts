import type { AdvertChecksum, VrrpInstance } from '../model/vrrp.ts'
import { isMulticast, isUnicastAddress } from '../net/address.ts'
import { type AddressDifference, addressDifference, differenceText } from './address-difference.ts'
import type { Arrival } from './arrival.ts'
import { AH_LENGTH, AH_PROTOCOL } from './auth/ah.ts'
import { authenticate } from './auth/authenticate.ts'
import type { Sequences } from './auth/sequences.ts'
import type { DropReason } from './drop-reason.ts'
import type { Advertisement } from './packet/advertisement.ts'
import { decode } from './packet/codec.ts'
import { findRouter, type Routers } from './routers.ts'

/** An advert that an instance has to act on. */
export interface Accepted {
  readonly instance: VrrpInstance
  readonly arrival: Arrival
  readonly advert: Advertisement
  readonly checksum: AdvertChecksum
  /** Version 3 takes adverts with another list (RFC 9568 §7.1), and somebody should know. */
  readonly difference: AddressDifference | undefined
  /** What `auth_hmac` would refuse if its mode were `enforce`. */
  readonly tolerated: DropReason | undefined
}

/** A packet that is not used. */
export interface Refused {
  readonly drop: DropReason
  /** What it says and what is expected, where that helps. */
  readonly detail?: string
  readonly arrival: Arrival
  /** Undefined when it has none. */
  readonly vrid: number | undefined
  /** The one that it would be for. */
  readonly instance: VrrpInstance | undefined
  /** What is known of its addresses: a stranger with others is told apart from a peer that is set up wrongly. */
  readonly difference?: AddressDifference | undefined
}

export type Received = Accepted | Refused

/** A good multicast packet comes from a neighbour: no router has counted it down (RFC 9568 §5.1.1.3). */
const NEIGHBOUR_TTL = 255

/**
 * Finds the instance that a packet is for, among those of its interface (erratum 8298) and family, and checks it as RFC 9568 §7.1 and
 * RFC 3768 §7.1 demand. What costs least comes first. `epochMs`: the time of day, for signatures.
 */
export function receive(arrival: Arrival, routers: Routers, sequences: Sequences, epochMs: number): Received {
  const { payload, protocol, source } = arrival
  const vrid = payload[protocol === AH_PROTOCOL ? AH_LENGTH + 1 : 1]
  const refused = (drop: DropReason, more: Pick<Refused, 'detail' | 'difference'> = {}): Refused => ({
    drop,
    arrival,
    vrid,
    instance,
    ...more,
  })
  const instance = vrid === undefined ? undefined : findRouter(routers, arrival, vrid)
  if (vrid === undefined) return refused('truncated')
  if (!isUnicastAddress(source)) return refused('source')
  if (instance === undefined) return refused('virtual-router')
  const astray = wayError(instance, arrival)
  if (astray !== undefined) return refused(astray.drop, astray)
  const decoded = decode(protocol === AH_PROTOCOL ? payload.subarray(AH_LENGTH) : payload, arrival)
  if (typeof decoded === 'string') return refused(decoded)
  const { advert, checksum } = decoded
  // Erratum 8299. Of those that elect a master and nothing else, or have excluded addresses only, the peer has none, either.
  if (advert.addresses.length === 0 && instance.addresses.length > 0) return refused('count-zero')
  const difference = addressDifference(
    instance.addresses.map(({ address }) => address),
    advert.addresses,
  )
  if (advert.version !== instance.version) {
    return refused('version', { detail: `${advert.version}, here ${instance.version}`, difference })
  }
  const proof = authenticate(instance, arrival, decoded, sequences, epochMs)
  if (proof.drop !== undefined) return refused(proof.drop, { ...proof, difference })
  // RFC 3768 §7.1; version 3 accepts another interval and adopts it.
  if (advert.version === 2 && advert.interval !== instance.advertInt) {
    return refused('interval', {
      detail: `${advert.interval / 1000} s, here ${instance.advertInt / 1000} s`,
      difference,
    })
  }
  // RFC 3768 §7.1: unless the sender owns them.
  if (advert.version === 2 && difference !== undefined && instance.checkAddresses && advert.priority !== 255) {
    return refused('addresses', { detail: differenceText(difference), difference })
  }
  return { instance, arrival, advert, checksum, difference, tolerated: proof.tolerated }
}

/** Why a packet has not come the way that the instance's peers send theirs. */
function wayError(
  { unicastPeers, multicastGroup }: VrrpInstance,
  { source, destination, ttl }: Arrival,
): { readonly drop: DropReason; readonly detail?: string } | undefined {
  if (isMulticast(destination)) {
    if (unicastPeers.length > 0) return { drop: 'cast', detail: `sent to ${destination}, here unicast` }
    if (destination !== multicastGroup) return { drop: 'group', detail: `${destination}, here ${multicastGroup}` }
    return ttl === NEIGHBOUR_TTL ? undefined : { drop: 'ttl', detail: `${ttl}` }
  }
  if (unicastPeers.length === 0) return { drop: 'cast', detail: 'sent to this host alone, here multicast' }
  const peer = unicastPeers.find(({ address }) => address === source)
  if (peer === undefined) return { drop: 'peer' }
  // Peers may be routed: any TTL counts unless limits are set, as with keepalived.
  const { minTtl, maxTtl } = peer
  return ttl >= minTtl && ttl <= maxTtl ? undefined : { drop: 'ttl', detail: `${ttl}, here ${minTtl} to ${maxTtl}` }
}
