import type { Logger } from 'pino'
import type { FellowServer } from '../../balance/fellow-servers.ts'
import type { Backend } from '../../forward/backend.ts'
import { KnownAddresses } from '../../linux/known-addresses.ts'
import { type NetworkChange, NetworkChanges } from '../../linux/network-changes.ts'
import { Poller } from '../../linux/poller.ts'
import { type Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { countsByType } from '../../model/counts-by-type.ts'
import type { Hops } from '../../model/next-hop.ts'
import type { Address } from '../../net/address.ts'
import { FellowDirectors } from './fellow-directors.ts'
import { NextHops } from './next-hops.ts'

/**
 * After a plan that the network was asked for it is left alone for so many times as long as that took, and not longer than the limit; so
 * are its events after they were read. A storm of changes takes a tenth of the process for each, and what is known is at most so old.
 */
const NETWORK_REST = 9
const NETWORK_REST_LIMIT_MS = 5000
const EVENTS_REST_LIMIT_MS = 1000

/** A plan that is being made. */
interface Asking {
  readonly begun: number
  /** Whether the kernel is asked again for what may have changed. */
  readonly asks: boolean
}

/** What forwarding goes by of this host's network: links, own addresses, and next hops to the servers; and when to ask for it again. */
export class HostNetwork {
  readonly #rtnetlink = new Rtnetlink()
  readonly #changes = new NetworkChanges()
  readonly #hops = new NextHops(this.#rtnetlink)
  readonly #fellows: FellowDirectors
  readonly #known = new KnownAddresses()
  readonly #backend: Backend
  readonly #log: Logger
  readonly #planSoon: (notBefore: number) => void
  #poller: Poller | undefined
  #links: readonly Link[] = []
  /** Whether the list of links is that of the kernel. */
  #areLinksKnown = false
  #areAddressesKnown = false
  #own: ReadonlySet<Address> = new Set()
  /** The network is not asked before then, by `performance.now()`. */
  #notBefore = Number.NEGATIVE_INFINITY
  /** While events of the network are left alone. */
  #eventsRest: NodeJS.Timeout | undefined

  /** `backend` is told of links and addresses; `planSoon` asks for a plan that is made then (`performance.now()`) or later. */
  constructor(backend: Backend, log: Logger, planSoon: (notBefore: number) => void) {
    this.#fellows = new FellowDirectors(this.#rtnetlink, backend, log)
    this.#backend = backend
    this.#log = log
    this.#planSoon = planSoon
  }

  /** From now on a change of the network asks for a plan. */
  watch(): void {
    this.#poller = new Poller(() => this.#readChanges())
    this.#poller.watch([this.#changes.fd])
  }

  /** Before a plan: what is known is as new as the plan, also when its event still waits for its turn; but not in a storm. */
  begin(): Asking {
    this.#noteChanges()
    const begun = performance.now()
    const asks = this.#isNews && begun >= this.#notBefore
    if (asks && !this.#areLinksKnown) this.#followLinks()
    if (asks && !this.#areAddressesKnown) this.#followAddresses()
    return { begun, asks }
  }

  /** The next hops of the servers that are planned. Throws SystemError. */
  resolve(servers: ReadonlySet<Address>, { asks }: Asking): Hops {
    this.#hops.learn(servers, asks)
    return this.#hops.all
  }

  /** The real servers beside this director, as `resolve` has found them. Throws SystemError. */
  followFellows(fellows: readonly FellowServer[], { asks }: Asking): void {
    this.#fellows.follow(fellows, this.#hops.all, asks)
  }

  /** After a plan, whatever became of it. */
  end({ begun, asks }: Asking): void {
    if (asks) {
      const ended = performance.now()
      this.#notBefore = ended + Math.min(NETWORK_REST_LIMIT_MS, NETWORK_REST * (ended - begun))
    }
    if (this.#isNews) this.#planSoon(this.#notBefore)
  }

  /** Whether the kernel takes it for the broadcast address of one of this host's networks. Throws SystemError. */
  isBroadcast(address: Address): boolean {
    return this.#hops.isBroadcast(address)
  }

  /** All addresses of this host, as of the last plan. */
  get ownAddresses(): ReadonlySet<Address> {
    return this.#own
  }

  linkName(ifindex: number): string | undefined {
    return this.#links.find(({ index }) => index === ifindex)?.name
  }

  close(): void {
    clearTimeout(this.#eventsRest)
    this.#poller?.close()
    this.#fellows.close()
    this.#changes.close()
    this.#rtnetlink.close()
  }

  /** Whether the kernel is to be asked for links, or for next hops that may be others now. */
  get #isNews(): boolean {
    return !this.#areLinksKnown || !this.#areAddressesKnown || this.#hops.isStale
  }

  #readChanges(): void {
    if (this.#eventsRest !== undefined) return
    const begun = performance.now()
    if (!this.#noteChanges()) return
    if (this.#isNews) this.#planSoon(this.#notBefore)
    const rest = Math.min(EVENTS_REST_LIMIT_MS, NETWORK_REST * (performance.now() - begun))
    this.#poller?.watch([])
    this.#eventsRest = setTimeout(() => {
      this.#eventsRest = undefined
      this.#poller?.watch([this.#changes.fd])
    }, rest)
  }

  /** Takes note of what has changed, and asks nothing yet. False when nothing has. */
  #noteChanges(): boolean {
    const changes = this.#changes.drain()
    if (changes.length > 0) this.#log.debug(`netlink: ${countsByType(changes)}`)
    const news = changes.filter((change) => this.#known.isNews(change))
    for (const change of news) {
      this.#hops.note(change)
      this.#backend.noteChange(change)
      if (change.type === 'anything' || isNewsOf(change, this.#links)) this.#areLinksKnown = false
      if (change.type === 'anything' || change.type === 'address') this.#areAddressesKnown = false
    }
    return news.length > 0
  }

  #followLinks(): void {
    this.#links = this.#rtnetlink.links()
    this.#hops.follow(this.#links)
    this.#backend.setLinks(this.#links)
    this.#areLinksKnown = true
  }

  #followAddresses(): void {
    const addresses = this.#rtnetlink.addresses()
    this.#known.follow(addresses)
    this.#own = new Set(addresses.map(({ address }) => address))
    this.#backend.setOwnAddresses(addresses.map(({ address }) => address))
    this.#areAddressesKnown = true
  }
}

/** Whether a link has changed in what matters; the kernel tells of its smallest change. */
function isNewsOf(change: NetworkChange, links: readonly Link[]): boolean {
  if (change.type !== 'link') return false
  const known = links.find(({ index }) => index === change.index)
  const { link } = change
  if (known === undefined || link === undefined) return known !== link
  return (
    known.name !== link.name ||
    known.up !== link.up ||
    known.mtu !== link.mtu ||
    known.kind !== link.kind ||
    Buffer.compare(known.mac, link.mac) !== 0
  )
}
