import type { AdvertChecksum } from '../model/vrrp.ts'
import type { Address } from '../net/address.ts'
import type { AddressDifference } from './address-difference.ts'
import type { Arrival } from './arrival.ts'
import type { DropReason } from './drop-reason.ts'
import type { Received } from './receive.ts'

/** Senders that are remembered for one instance besides its configured peers. BOUNDED: who was never accepted gives way first, then who was heard longest ago. */
const STRANGER_LIMIT = 16

/** Who sends adverts to an instance, and what is known of him. Undefined is what no advert has told yet. */
export interface Peer {
  readonly address: Address
  /** In ms since the epoch. */
  readonly lastHeard: number
  readonly accepted: number
  readonly refused: number
  /** Of the last advert that counted. */
  readonly priority: number | undefined
  readonly version: number | undefined
  readonly checksum: AdvertChecksum | undefined
  /** Why its last packet was refused, if it was. */
  readonly rejection: { readonly drop: DropReason; readonly detail: string | undefined } | undefined
  readonly difference: AddressDifference | undefined
  /** What `auth_hmac` would refuse if it were enforced. */
  readonly tolerated: DropReason | undefined
  /** Its last advert that counted had our own priority. */
  readonly ties: boolean
  /** Of one that lists addresses of another cluster: so often the kernel was asked for its MAC, and what it said. */
  readonly neighbour: { readonly asked: number; readonly mac: string | undefined }
}

/** What is known here besides the packets. */
export interface Here {
  /** The effective priority of an instance. */
  readonly priorityOf: (instance: string) => number | undefined
  /** The MAC of a neighbour as the kernel knows it. Where it does not, it begins to look for it. */
  readonly macOf: (device: string, address: Address) => string | undefined
}

/** The neighbour is asked for at so many adverts: one that does not answer then has an address of another subnet. */
const ASKED = 5

/** Somebody of whom nothing is known but where he is. */
const stranger = (address: Address): Peer => ({
  address,
  lastHeard: 0,
  accepted: 0,
  refused: 0,
  priority: undefined,
  version: undefined,
  checksum: undefined,
  rejection: undefined,
  difference: undefined,
  tolerated: undefined,
  ties: false,
  neighbour: { asked: 0, mac: undefined },
})

/** The senders that an instance has heard, in the order of their last packets. */
export class Peers {
  readonly #peers = new Map<Address, Peer>()

  /** Takes what was received for the instance: what is known of its sender from now on, and what was before. `at`: in ms since the epoch. */
  take(received: Received, at: number, here: Here): { readonly before: Peer | undefined; readonly now: Peer } {
    const { source } = received.arrival
    const before = this.#peers.get(source)
    const now = { ...(before ?? stranger(source)), ...newsOf(received, before, here), lastHeard: at }
    this.put(now)
    const limit = STRANGER_LIMIT + (received.instance?.unicastPeers.length ?? 0)
    if (this.#peers.size > limit) this.#forgetOne()
    return { before, now }
  }

  /** Remembers somebody as the one who was heard last. */
  put(peer: Peer): void {
    this.#peers.delete(peer.address)
    this.#peers.set(peer.address, peer)
  }

  /** Whom it has heard, the last one last. */
  list(): readonly Peer[] {
    return [...this.#peers.values()]
  }

  #forgetOne(): void {
    const peers = this.list()
    const leaving = peers.find(({ accepted }) => accepted === 0) ?? peers[0]
    if (leaving !== undefined) this.#peers.delete(leaving.address)
  }
}

function newsOf(received: Received, before: Peer | undefined, here: Here): Partial<Peer> {
  const { arrival, difference } = received
  const neighbour = difference?.isForeign === true ? neighbourOf(arrival, before, here) : {}
  if ('drop' in received) {
    const { drop, detail } = received
    return { refused: (before?.refused ?? 0) + 1, rejection: { drop, detail }, difference, ...neighbour }
  }
  const { advert, checksum, tolerated, instance } = received
  const { priority, version } = advert
  const accepted = (before?.accepted ?? 0) + 1
  const ties = priority > 0 && priority === here.priorityOf(instance.name)
  return { accepted, priority, version, checksum, rejection: undefined, difference, tolerated, ties, ...neighbour }
}

function neighbourOf({ interface: device, source }: Arrival, before: Peer | undefined, here: Here): Partial<Peer> {
  const { asked, mac } = before?.neighbour ?? { asked: 0, mac: undefined }
  if (mac !== undefined || asked >= ASKED) return {}
  return { neighbour: { asked: asked + 1, mac: here.macOf(device, source) } }
}
